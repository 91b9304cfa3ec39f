// The id that a machine's public key gets everywhere, which is also the key's fingerprint. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace common::crypto {

// "m_" and base32 of the first 15 bytes of SHA-256.
std::string machine_id_of(std::string_view public_key);

// For people to compare on two screens: in groups of four, without the prefix.
std::string shown_fingerprint(std::string_view machine_id);

}  // namespace common::crypto
