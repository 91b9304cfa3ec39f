// OpenSSL straight on a socket descriptor, without waiting: each call does what it can now and says what it waits for.
// No buffers of Asio's in between (they cost 64 KiB a connection). Owned by a stream; its thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "common/net/tls_context.hpp"

namespace common::net {

enum class tls_wait { none, readable, writable };

struct tls_step {
    std::size_t bytes = 0;
    tls_wait wait = tls_wait::none;  // if set, call again with the same arguments when the socket is ready
    boost::system::error_code ec;    // eof after the peer's close_notify, stream_truncated without one
};

class tls_engine {
public:
    // The descriptor stays the caller's. Throws std::bad_alloc only.
    static tls_engine accepting(const ssl_context_ptr& context, int descriptor);
    // Verifies that the certificate is for `host`, a name or an IP address.
    static tls_engine connecting(const ssl_context_ptr& context, int descriptor, const std::string& host);
    ~tls_engine();
    tls_engine(tls_engine&&) noexcept;
    tls_engine& operator=(tls_engine&&) noexcept;

    tls_step handshake();
    tls_step read(void* data, std::size_t size);
    // Like read() of one byte, which stays.
    tls_step peek();
    // Writes at most one record.
    tls_step write(const void* data, std::size_t size);
    tls_step send_close_notify();

    // Decrypted and not read yet.
    std::size_t pending() const;
    // The descriptor is closed: nothing may touch its number again.
    void detach();

    // RFC 5705; empty before the handshake.
    std::string exporter(std::string_view label, std::size_t bytes) const;
    // Why the peer's certificate was refused, or empty.
    std::string verify_failure() const;

private:
    struct wire;
    tls_engine(const ssl_context_ptr& context, int descriptor);
    tls_step judge(int result);

    std::unique_ptr<wire> wire_;
    SSL* ssl_ = nullptr;
    bool failed_ = false;
};

}  // namespace common::net
