// Certificates made on the spot, in a directory of their own that goes with the object.
#pragma once

#include <filesystem>
#include <string>

namespace test {

struct certificate_request {
    std::string common_name = "localhost";
    std::string alternative_names = "DNS:localhost,IP:127.0.0.1";
};

// A self-signed certificate and its key; the certificate is its own authority.
class test_certificate {
public:
    explicit test_certificate(const certificate_request& request = {});
    ~test_certificate();
    test_certificate(const test_certificate&) = delete;
    test_certificate& operator=(const test_certificate&) = delete;

    std::string certificate_file() const { return (directory_ / "cert.pem").string(); }
    std::string key_file() const { return (directory_ / "key.pem").string(); }
    // Puts another one's files in the place of ours.
    void replace_by(const test_certificate& other) const;

private:
    std::filesystem::path directory_;
};

}  // namespace test
