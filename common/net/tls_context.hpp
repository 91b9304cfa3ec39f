// Certificates and trust for TLS connections (1.2 or newer). A server context can be reloaded while it is in use, from
// any thread: connections keep what they began with. A client context is made for each connection.
#pragma once

#include <expected>
#include <memory>
#include <mutex>
#include <string>

#include <openssl/types.h>

namespace common::net {

struct tls_error {
    std::string message;  // a sentence that names the file
};

using ssl_context_ptr = std::shared_ptr<SSL_CTX>;

class server_tls_context {
public:
    // PEM files: the certificate with its chain, leaf first, and its private key.
    static std::expected<std::shared_ptr<server_tls_context>, tls_error> load(std::string certificate_file,
                                                                              std::string key_file);

    // Reads the files again. On an error the old certificate stays in use.
    std::expected<void, tls_error> reload();

    ssl_context_ptr current() const;

private:
    server_tls_context(std::string certificate_file, std::string key_file, ssl_context_ptr context);

    std::string certificate_file_;
    std::string key_file_;
    mutable std::mutex mutex_;
    ssl_context_ptr context_;
};

// Trusts the system's authorities, and those in `ca_file` unless it is empty.
std::expected<ssl_context_ptr, tls_error> make_client_tls_context(const std::string& ca_file);

}  // namespace common::net
