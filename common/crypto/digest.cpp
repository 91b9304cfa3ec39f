#include "common/crypto/digest.hpp"

#include <limits>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace common::crypto {

namespace {

constexpr std::size_t digest_size = 32;

const unsigned char* bytes_of(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

}  // namespace

std::string sha256(std::string_view data) {
    std::string out(digest_size, '\0');
    if (EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, EVP_sha256(),
                   nullptr) != 1)
        throw std::runtime_error("OpenSSL could not compute a SHA-256");
    return out;
}

sha256_stream::sha256_stream() : context_(EVP_MD_CTX_new()) {
    if (context_ == nullptr || EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) != 1) {
        EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
        throw std::runtime_error("OpenSSL could not begin a SHA-256");
    }
}

sha256_stream::~sha256_stream() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void sha256_stream::add(std::string_view data) {
    if (EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), data.data(), data.size()) != 1)
        throw std::runtime_error("OpenSSL could not go on with a SHA-256");
}

std::string sha256_stream::finish() {
    std::string out(digest_size, '\0');
    auto* const raw = reinterpret_cast<unsigned char*>(out.data());
    if (EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), raw, nullptr) != 1)
        throw std::runtime_error("OpenSSL could not end a SHA-256");
    return out;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
    std::string out(digest_size, '\0');
    if (key.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
        throw std::logic_error("hmac_sha256: the key is too long");
    // A null key would mean "as before" to OpenSSL.
    const char* key_data = key.empty() ? "" : key.data();
    if (HMAC(EVP_sha256(), key_data, static_cast<int>(key.size()), bytes_of(data), data.size(),
             reinterpret_cast<unsigned char*>(out.data()), nullptr) == nullptr)
        throw std::runtime_error("OpenSSL could not compute an HMAC");
    return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace common::crypto
