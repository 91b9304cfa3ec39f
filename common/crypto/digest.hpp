// SHA-256, HMAC-SHA-256 and a comparison that tells nothing by its time. Thread-safe. Failure inside OpenSSL throws.
#pragma once

#include <string>
#include <string_view>

namespace common::crypto {

// 32 raw bytes.
std::string sha256(std::string_view data);

// The same of what comes piece by piece.
class sha256_stream {
public:
    sha256_stream();
    ~sha256_stream();
    sha256_stream(const sha256_stream&) = delete;
    sha256_stream& operator=(const sha256_stream&) = delete;
    void add(std::string_view data);
    std::string finish();  // once

private:
    void* context_;
};

std::string hmac_sha256(std::string_view key, std::string_view data);

// The time depends on the lengths only.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace common::crypto
