#include "common/crypto/random.hpp"

#include <stdexcept>

#include <openssl/rand.h>

namespace common::crypto {

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    // RAND_bytes takes an int; nobody here needs more than a page.
    if (count > 1'000'000) throw std::logic_error("random_bytes: more than a megabyte was asked for");
    if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1)
        throw std::runtime_error("OpenSSL's random generator failed");
    return out;
}

std::string random_token(std::size_t length) {
    static constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    // Bytes from 252 up are thrown away: 252 is the highest multiple of 36, so each character is equally likely.
    static constexpr unsigned char limit = 252;
    std::string out;
    out.reserve(length);
    while (out.size() < length) {
        for (const char c : random_bytes(length)) {
            const auto byte = static_cast<unsigned char>(c);
            if (byte < limit && out.size() < length) out.push_back(alphabet[byte % alphabet.size()]);
        }
    }
    return out;
}

}  // namespace common::crypto
