// Secrets that are handed out: a prefix that says what it is, 256 random bits, and a checksum by which secret scanners and
// a server's door tell a real one from garbage. Pure functions but for the randomness.
#pragma once

#include <string>
#include <string_view>

namespace common::crypto {

std::string new_secret(std::string_view prefix);

// Of that form, with the right checksum. It says nothing about whether it was ever given out.
bool looks_like(std::string_view prefix, std::string_view secret);

}  // namespace common::crypto
