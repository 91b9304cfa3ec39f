// What a browser says about a passkey (WebAuthn Level 2 §7), checked. Attestation is not asked for, so the public key is
// taken as the browser gives it (§5.2.1.1, getPublicKey: DER SubjectPublicKeyInfo) and no CBOR is read. Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace hub::people {

// The domain that passkeys of this hub belong to; nullopt where browsers give none: an IP address, or plain http to
// anything but localhost.
std::optional<std::string> passkey_domain(std::string_view public_url);

// clientDataJSON of the ceremony "webauthn.create" or "webauthn.get" on a page of `origin`: the challenge in it, as text.
std::expected<std::string, std::string> read_client_data(std::string_view json, std::string_view ceremony,
                                                         std::string_view origin);

struct authenticator_data {
    std::uint32_t sign_count = 0;
    std::string credential_id;  // where a credential was made
};
// For that domain, with the user present and verified, or an error.
std::expected<authenticator_data, std::string> read_authenticator_data(std::string_view bytes, std::string_view domain);

// ES256, RS256 (2048 bits and more) or Ed25519.
bool is_passkey_key(std::string_view public_key);
bool is_passkey_signature(std::string_view public_key, std::string_view authenticator_data,
                          std::string_view client_data_json, std::string_view signature);

}  // namespace hub::people
