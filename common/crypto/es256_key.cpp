#include "common/crypto/es256_key.hpp"

#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace common::crypto {

namespace {

constexpr int coordinate_bytes = 32;
constexpr std::size_t pem_bytes_max = 4096;

using bio_ptr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using context_ptr = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using number_ptr = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
using signature_ptr = std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)>;

void require(bool done) {
    if (!done) throw std::runtime_error("OpenSSL failed with a P-256 key");
}

std::string fixed_width(const BIGNUM* number) {
    std::string bytes(coordinate_bytes, '\0');
    require(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), coordinate_bytes) == coordinate_bytes);
    return bytes;
}

int no_password(char*, int, int, void*) { return -1; }

bool is_p256(const EVP_PKEY* key) {
    char group[64] = {};
    std::size_t size = 0;
    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &size) == 1 &&
           std::string_view(group, size) == "prime256v1";
}

}  // namespace

es256_key::es256_key(EVP_PKEY* key) : key_(key, &EVP_PKEY_free) {}

es256_key es256_key::generate() {
    EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    require(key != nullptr);
    return es256_key(key);
}

std::optional<es256_key> es256_key::from_pem(std::string_view pem) {
    if (pem.size() > pem_bytes_max) return std::nullopt;
    const bio_ptr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
    if (!bio) throw std::bad_alloc();
    key_ptr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_password, nullptr), &EVP_PKEY_free);
    ERR_clear_error();
    if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC || !is_p256(key.get())) return std::nullopt;
    return es256_key(key.release());
}

std::string es256_key::to_pem() const {
    const bio_ptr bio(BIO_new(BIO_s_mem()), &BIO_free);
    require(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

es256_key::point es256_key::public_point() const {
    const auto coordinate = [this](const char* name) {
        BIGNUM* number = nullptr;
        require(EVP_PKEY_get_bn_param(key_.get(), name, &number) == 1);
        return fixed_width(number_ptr(number, &BN_free).get());
    };
    return {coordinate(OSSL_PKEY_PARAM_EC_PUB_X), coordinate(OSSL_PKEY_PARAM_EC_PUB_Y)};
}

std::string es256_key::sign(std::string_view message) const {
    const context_ptr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
    std::size_t size = 0;
    require(context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
            EVP_DigestSign(context.get(), nullptr, &size, bytes, message.size()) == 1);
    std::string der(size, '\0');
    auto* out = reinterpret_cast<unsigned char*>(der.data());
    require(EVP_DigestSign(context.get(), out, &size, bytes, message.size()) == 1);
    const unsigned char* in = out;
    const signature_ptr signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(size)), &ECDSA_SIG_free);
    require(signature != nullptr);
    return fixed_width(ECDSA_SIG_get0_r(signature.get())) + fixed_width(ECDSA_SIG_get0_s(signature.get()));
}

}  // namespace common::crypto
