#include "common/crypto/sealer.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

namespace common::crypto {

namespace {

constexpr char version = 1;
constexpr std::size_t key_id_size = 4;
constexpr std::size_t header_size = 1 + key_id_size;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::size_t overhead = header_size + nonce_size + tag_size;
constexpr std::size_t sealed_chars_max = ((sealer::plaintext_bytes_max + overhead) * 4 + 2) / 3;

using cipher_ptr = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes_of(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

unsigned char* bytes_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

// Feeds header and associated data. The header's length is fixed, so the two cannot run into each other.
bool authenticate(EVP_CIPHER_CTX* context, bool sealing, std::string_view header, std::string_view associated) {
    for (const auto part : {header, associated}) {
        int ignored = 0;
        if (part.empty()) continue;
        const auto size = static_cast<int>(part.size());
        const int done = sealing ? EVP_EncryptUpdate(context, nullptr, &ignored, bytes_of(part), size)
                                 : EVP_DecryptUpdate(context, nullptr, &ignored, bytes_of(part), size);
        if (done != 1) return false;
    }
    return true;
}

}  // namespace

sealer::sealer(std::string key) : sealer(std::vector<std::string>{std::move(key)}) {}

sealer::sealer(std::vector<std::string> keys) {
    if (keys.empty()) throw std::logic_error("sealer: no key");
    for (auto& key : keys) {
        if (key.size() != key_size) throw std::logic_error("sealer: a key must have 32 bytes");
        auto id = hmac_sha256(key, "codez sealer key id").substr(0, key_id_size);
        keys_.push_back({std::move(id), std::move(key)});
    }
}

std::string sealer::seal(std::string_view plaintext, std::string_view associated) const {
    if (plaintext.size() > plaintext_bytes_max || associated.size() > plaintext_bytes_max)
        throw std::logic_error("sealer: the plaintext is too long");
    const auto& chosen = keys_.front();
    const std::string header = version + chosen.id;
    const std::string nonce = random_bytes(nonce_size);
    std::string text(plaintext.size(), '\0');
    std::string tag(tag_size, '\0');

    const cipher_ptr context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    int written = 0;
    bool good = context && EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(chosen.key),
                                              bytes_of(nonce)) == 1;
    good = good && authenticate(context.get(), true, header, associated);
    if (good && !plaintext.empty())
        good = EVP_EncryptUpdate(context.get(), bytes_of(text), &written, bytes_of(plaintext),
                                 static_cast<int>(plaintext.size())) == 1;
    good = good && EVP_EncryptFinal_ex(context.get(), bytes_of(tag), &written) == 1;
    good = good && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_size, tag.data()) == 1;
    if (!good) throw std::runtime_error("OpenSSL could not seal with AES-256-GCM");
    return base64url_encode(header + nonce + text + tag);
}

std::optional<std::string> sealer::open(std::string_view sealed, std::string_view associated) const {
    if (sealed.size() > sealed_chars_max || associated.size() > plaintext_bytes_max) return std::nullopt;
    const auto raw = base64url_decode(sealed);
    if (!raw || raw->size() < overhead || raw->front() != version) return std::nullopt;
    const std::string_view all = *raw;
    const auto header = all.substr(0, header_size);
    const auto found = std::ranges::find(keys_, header.substr(1), &entry::id);
    if (found == keys_.end()) return std::nullopt;
    const auto nonce = all.substr(header_size, nonce_size);
    const auto text = all.substr(header_size + nonce_size, all.size() - overhead);
    std::string tag(all.substr(all.size() - tag_size));

    const cipher_ptr context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    std::string out(text.size(), '\0');
    std::string rest(tag_size, '\0');
    int written = 0;
    bool good = context && EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(found->key),
                                              bytes_of(nonce)) == 1;
    good = good && authenticate(context.get(), false, header, associated);
    if (good && !text.empty())
        good = EVP_DecryptUpdate(context.get(), bytes_of(out), &written, bytes_of(text),
                                 static_cast<int>(text.size())) == 1;
    good = good && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1;
    good = good && EVP_DecryptFinal_ex(context.get(), bytes_of(rest), &written) == 1;
    ERR_clear_error();
    if (!good) return std::nullopt;
    return out;
}

}  // namespace common::crypto
