// Random bytes from OpenSSL's generator. Thread-safe. A generator that cannot deliver is fatal: it throws.
#pragma once

#include <cstddef>
#include <string>

namespace common::crypto {

std::string random_bytes(std::size_t count);

// `length` characters of [a-z0-9], each equally likely: 5.17 bits a character, so 40 of them hold 206 bits.
std::string random_token(std::size_t length);

}  // namespace common::crypto
