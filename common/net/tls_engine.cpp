#include "common/net/tls_engine.hpp"

#include <cerrno>
#include <new>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

namespace common::net {

// What our BIO works on. OpenSSL's own socket BIO calls write(), which raises SIGPIPE when the peer has gone.
struct tls_engine::wire {
    int descriptor = -1;
    int last_errno = 0;
    bool at_eof = false;

    static int read(BIO* bio, char* data, int size) {
        auto& self = *static_cast<wire*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        const auto n = ::recv(self.descriptor, data, static_cast<std::size_t>(size), MSG_DONTWAIT);
        self.last_errno = n < 0 ? errno : 0;
        self.at_eof = n == 0;
        if (n < 0 && would_block(self.last_errno)) BIO_set_retry_read(bio);
        return static_cast<int>(n);
    }

    static int write(BIO* bio, const char* data, int size) {
        auto& self = *static_cast<wire*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        const auto n = ::send(self.descriptor, data, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
        self.last_errno = n < 0 ? errno : 0;
        if (n < 0 && would_block(self.last_errno)) BIO_set_retry_write(bio);
        return static_cast<int>(n);
    }

    static long control(BIO* bio, int command, long, void*) {
        // libssl asks for the end of file to tell a truncated connection from an error.
        if (command == BIO_CTRL_EOF) return static_cast<wire*>(BIO_get_data(bio))->at_eof ? 1 : 0;
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static bool would_block(int e) { return e == EAGAIN || e == EWOULDBLOCK || e == EINTR; }

    static const BIO_METHOD* method() {
        static const BIO_METHOD* const m = [] {
            BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tcp socket");
            if (!made) throw std::bad_alloc();
            BIO_meth_set_read(made, &wire::read);
            BIO_meth_set_write(made, &wire::write);
            BIO_meth_set_ctrl(made, &wire::control);
            return made;
        }();
        return m;
    }
};

tls_engine::tls_engine(const ssl_context_ptr& context, int descriptor)
    : wire_(std::make_unique<wire>()), ssl_(SSL_new(context.get())) {
    wire_->descriptor = descriptor;
    BIO* const bio = BIO_new(wire::method());
    if (!ssl_ || !bio) {
        BIO_free(bio);
        SSL_free(ssl_);
        throw std::bad_alloc();
    }
    BIO_set_data(bio, wire_.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    // The next layer retries a write from a buffer that it filled anew with the same bytes.
    SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

tls_engine tls_engine::accepting(const ssl_context_ptr& context, int descriptor) {
    tls_engine engine(context, descriptor);
    SSL_set_accept_state(engine.ssl_);
    return engine;
}

tls_engine tls_engine::connecting(const ssl_context_ptr& context, int descriptor, const std::string& host) {
    tls_engine engine(context, descriptor);
    SSL_set_connect_state(engine.ssl_);
    SSL_set_verify(engine.ssl_, SSL_VERIFY_PEER, nullptr);
    auto* const verify = SSL_get0_param(engine.ssl_);
    if (X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) != 1) {
        // A name: also told to the server (RFC 6066 §3), which an address must not be.
        ERR_clear_error();
        X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (SSL_set1_host(engine.ssl_, host.c_str()) != 1 || SSL_set_tlsext_host_name(engine.ssl_, host.c_str()) != 1) {
            throw std::bad_alloc();
        }
    }
    return engine;
}

tls_engine::~tls_engine() { SSL_free(ssl_); }

tls_engine::tls_engine(tls_engine&& other) noexcept
    : wire_(std::move(other.wire_)), ssl_(std::exchange(other.ssl_, nullptr)), failed_(other.failed_) {}

tls_engine& tls_engine::operator=(tls_engine&& other) noexcept {
    std::swap(wire_, other.wire_);
    std::swap(ssl_, other.ssl_);
    std::swap(failed_, other.failed_);
    return *this;
}

tls_step tls_engine::handshake() {
    ERR_clear_error();
    return judge(SSL_do_handshake(ssl_));
}

tls_step tls_engine::read(void* data, std::size_t size) {
    ERR_clear_error();
    std::size_t bytes = 0;
    if (SSL_read_ex(ssl_, data, size, &bytes) == 1) return {.bytes = bytes, .wait = tls_wait::none, .ec = {}};
    return judge(0);
}

tls_step tls_engine::peek() {
    ERR_clear_error();
    char byte = 0;
    std::size_t bytes = 0;
    if (SSL_peek_ex(ssl_, &byte, 1, &bytes) == 1) return {.bytes = bytes, .wait = tls_wait::none, .ec = {}};
    return judge(0);
}

tls_step tls_engine::write(const void* data, std::size_t size) {
    ERR_clear_error();
    std::size_t bytes = 0;
    if (SSL_write_ex(ssl_, data, size, &bytes) == 1) return {.bytes = bytes, .wait = tls_wait::none, .ec = {}};
    return judge(0);
}

tls_step tls_engine::send_close_notify() {
    // After a fatal error, or before the handshake, there is no session to close.
    if (failed_ || !SSL_is_init_finished(ssl_)) return {};
    ERR_clear_error();
    const int sent = SSL_shutdown(ssl_);
    return sent >= 0 ? tls_step{} : judge(sent);
}

tls_step tls_engine::judge(int result) {
    namespace error = boost::asio::error;
    tls_step step;
    switch (SSL_get_error(ssl_, result)) {
        case SSL_ERROR_NONE:
            break;
        case SSL_ERROR_WANT_READ:
            step.wait = tls_wait::readable;
            break;
        case SSL_ERROR_WANT_WRITE:
            step.wait = tls_wait::writable;
            break;
        case SSL_ERROR_ZERO_RETURN:
            step.ec = error::eof;
            break;
        case SSL_ERROR_SYSCALL:
            failed_ = true;
            if (wire_->last_errno != 0) {
                step.ec.assign(wire_->last_errno, boost::system::system_category());
            } else {
                step.ec = boost::asio::ssl::error::stream_truncated;
            }
            break;
        default: {
            failed_ = true;
            const auto code = ERR_get_error();
            if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
                step.ec = boost::asio::ssl::error::stream_truncated;
            } else {
                step.ec.assign(static_cast<int>(code), error::get_ssl_category());
            }
        }
    }
    return step;
}

std::size_t tls_engine::pending() const { return static_cast<std::size_t>(SSL_pending(ssl_)); }

void tls_engine::detach() {
    if (wire_) wire_->descriptor = -1;
}

std::string tls_engine::exporter(std::string_view label, std::size_t bytes) const {
    std::string material(bytes, '\0');
    if (!SSL_is_init_finished(ssl_) ||
        SSL_export_keying_material(ssl_, reinterpret_cast<unsigned char*>(material.data()), bytes, label.data(),
                                   label.size(), nullptr, 0, 0) != 1) {
        ERR_clear_error();
        return {};
    }
    return material;
}

std::string tls_engine::verify_failure() const {
    const long result = SSL_get_verify_result(ssl_);
    return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

}  // namespace common::net
