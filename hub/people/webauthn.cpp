#include "hub/people/webauthn.hpp"

#include <memory>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <boost/asio/ip/address.hpp>
#include <nlohmann/json.hpp>

#include "common/crypto/digest.hpp"
#include "common/net/web_origin.hpp"

namespace hub::people {

namespace {

constexpr std::size_t client_data_bytes_max = 4096;
constexpr std::size_t key_bytes_max = 1024;
constexpr int rsa_bits_min = 2048;

// §6.1
constexpr std::size_t hash_bytes = 32;
constexpr std::size_t header_bytes = hash_bytes + 1 + 4;
constexpr std::size_t credential_at = header_bytes + 16 + 2;
constexpr std::size_t credential_bytes_max = 1023;
constexpr unsigned user_present = 0x01;
constexpr unsigned user_verified = 0x04;
constexpr unsigned has_credential = 0x40;

using key_pointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

const unsigned char* data_of(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

key_pointer read_key(std::string_view der) {
    const unsigned char* at = data_of(der);
    key_pointer key(der.size() > key_bytes_max ? nullptr : d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())),
                    EVP_PKEY_free);
    if (!key || at != data_of(der) + der.size()) return {nullptr, EVP_PKEY_free};
    const int type = EVP_PKEY_base_id(key.get());
    char group[32] = {};
    const bool fits = type == EVP_PKEY_ED25519 || (type == EVP_PKEY_RSA && EVP_PKEY_bits(key.get()) >= rsa_bits_min) ||
                      (type == EVP_PKEY_EC && EVP_PKEY_get_group_name(key.get(), group, sizeof group, nullptr) == 1 &&
                       std::string_view(group) == "prime256v1");
    if (!fits) return {nullptr, EVP_PKEY_free};
    return key;
}

std::unexpected<std::string> fault(std::string sentence) { return std::unexpected(std::move(sentence)); }

}  // namespace

std::optional<std::string> passkey_domain(std::string_view public_url) {
    const std::string origin = common::net::normal_origin(public_url);
    std::string_view host = origin;
    host.remove_prefix(host.find("://") + 3);
    host = host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.find(':'));
    boost::system::error_code ec;
    boost::asio::ip::make_address(std::string(host), ec);
    const bool is_address = host.starts_with('[') || !ec;
    const bool is_local = host == "localhost" || host.ends_with(".localhost");
    if (is_address || (!origin.starts_with("https://") && !is_local)) return std::nullopt;
    return std::string(host);
}

std::expected<std::string, std::string> read_client_data(std::string_view json, std::string_view ceremony,
                                                         std::string_view origin) {
    if (json.size() > client_data_bytes_max) return fault("The browser's answer is too long.");
    const auto data = nlohmann::json::parse(json, nullptr, false);
    const auto text = [&](const char* name) {
        const auto found = data.find(name);
        return found != data.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (!data.is_object() || text("type") != ceremony) return fault("The browser's answer is to another question.");
    const auto crossed = data.find("crossOrigin");
    if (text("origin") != origin || (crossed != data.end() && *crossed != false))
        return fault("The passkey was used on another page.");
    return text("challenge");
}

std::expected<authenticator_data, std::string> read_authenticator_data(std::string_view bytes,
                                                                       std::string_view domain) {
    if (bytes.size() < header_bytes) return fault("The passkey's answer is too short.");
    if (bytes.substr(0, hash_bytes) != common::crypto::sha256(domain)) return fault("The passkey is for another site.");
    const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[i])); };
    const unsigned flags = byte(hash_bytes);
    if ((flags & user_present) == 0 || (flags & user_verified) == 0)
        return fault("The passkey did not check that it is you. Set up a PIN or a fingerprint for it.");
    authenticator_data out;
    for (std::size_t i = hash_bytes + 1; i < header_bytes; ++i) out.sign_count = out.sign_count << 8U | byte(i);
    if ((flags & has_credential) == 0) return out;
    if (bytes.size() < credential_at) return fault("The passkey's answer is too short.");
    const std::size_t length = byte(credential_at - 2) << 8U | byte(credential_at - 1);
    if (length == 0 || length > credential_bytes_max || bytes.size() - credential_at < length)
        return fault("The passkey's answer is cut off.");
    out.credential_id = bytes.substr(credential_at, length);
    return out;
}

bool is_passkey_key(std::string_view public_key) { return read_key(public_key) != nullptr; }

bool is_passkey_signature(std::string_view public_key, std::string_view authenticator_data,
                          std::string_view client_data_json, std::string_view signature) {
    const auto key = read_key(public_key);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (!key || !context) return false;
    const EVP_MD* const digest = EVP_PKEY_base_id(key.get()) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
    const std::string signed_bytes = std::string(authenticator_data) + common::crypto::sha256(client_data_json);
    return EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.get()) == 1 &&
           EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(signed_bytes),
                            signed_bytes.size()) == 1;
}

}  // namespace hub::people
