#include "common/net/tls_context.hpp"

#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace common::net {
namespace {

std::unexpected<tls_error> fail(std::string_view what, const std::string& file) {
    // The first error is the cause; those above it say where it passed through.
    const auto code = ERR_peek_error();
    const char* const reason = ERR_SYSTEM_ERROR(code) ? std::strerror(ERR_GET_REASON(code))
                               : code != 0            ? ERR_reason_error_string(code)
                                                      : nullptr;
    ERR_clear_error();
    if (file.empty())
        return std::unexpected(tls_error{fmt::format("{} ({}).", what, reason ? reason : "no reason given")});
    return std::unexpected(tls_error{fmt::format("{} {} ({}).", what, file, reason ? reason : "no reason given")});
}

ssl_context_ptr make_context(const SSL_METHOD* method) {
    ssl_context_ptr context(SSL_CTX_new(method), SSL_CTX_free);
    if (!context) return nullptr;
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(),
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Sessions resume by ticket; a cache would grow with every client.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    return context;
}

// A key file that wants a password must fail, not ask on the terminal.
int no_password(char*, int, int, void*) { return 0; }

std::expected<ssl_context_ptr, tls_error> make_server_context(const std::string& certificate_file,
                                                              const std::string& key_file) {
    ERR_clear_error();
    auto context = make_context(TLS_server_method());
    if (!context) return fail("Cannot set up TLS", "");
    SSL_CTX_set_default_passwd_cb(context.get(), &no_password);
    if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
        return fail("Cannot read a PEM certificate from", certificate_file);
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return fail("Cannot use this as the certificate's PEM private key:", key_file);
    }
    if (SSL_CTX_check_private_key(context.get()) != 1) {
        return fail("The private key does not belong to the certificate:", key_file);
    }
    return context;
}

}  // namespace

server_tls_context::server_tls_context(std::string certificate_file, std::string key_file, ssl_context_ptr context)
    : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)), context_(std::move(context)) {}

std::expected<std::shared_ptr<server_tls_context>, tls_error> server_tls_context::load(std::string certificate_file,
                                                                                       std::string key_file) {
    auto context = make_server_context(certificate_file, key_file);
    if (!context) return std::unexpected(std::move(context.error()));
    return std::shared_ptr<server_tls_context>(
        new server_tls_context(std::move(certificate_file), std::move(key_file), std::move(*context)));
}

std::expected<void, tls_error> server_tls_context::reload() {
    auto context = make_server_context(certificate_file_, key_file_);
    if (!context) return std::unexpected(std::move(context.error()));
    const std::lock_guard lock(mutex_);
    context_ = std::move(*context);
    return {};
}

ssl_context_ptr server_tls_context::current() const {
    const std::lock_guard lock(mutex_);
    return context_;
}

std::expected<ssl_context_ptr, tls_error> make_client_tls_context(const std::string& ca_file) {
    ERR_clear_error();
    auto context = make_context(TLS_client_method());
    if (!context || SSL_CTX_set_default_verify_paths(context.get()) != 1) return fail("Cannot set up TLS", "");
    if (!ca_file.empty() && SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) {
        return fail("Cannot read PEM certificates of authorities from", ca_file);
    }
    return context;
}

}  // namespace common::net
