// Passwords as Argon2id hashes (RFC 9106) in PHC strings: m=19456 KiB, t=2, p=1, OWASP's minimum, 16 random bytes of
// salt. Pure but for the random salt; slow on purpose: call it on a password_hasher's threads.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hub::people {

constexpr std::size_t password_characters_min = 12;
constexpr std::size_t password_characters_max = 128;

// Why a text cannot become somebody's password, as a sentence; nullopt: it can. Characters are Unicode's code points as
// they were typed: there is no normalisation, so a letter that two keyboards spell differently is two passwords.
std::optional<std::string> find_password_fault(std::string_view password);

std::string hash_password(std::string_view password);
// False also for a hash that is none.
bool is_password(const std::string& hash, std::string_view password);

}  // namespace hub::people
