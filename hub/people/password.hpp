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

// Passwords are compared in Unicode's normalisation form NFKC (NIST SP 800-63B §5.1.1.2): keyboards spell one letter in
// several ways. Why a text cannot become somebody's password, as a sentence; nullopt: it can. Characters are the code
// points of that form.
std::optional<std::string> find_password_fault(std::string_view typed);

std::string hash_password(std::string_view typed);
// False also for a hash that is none.
bool is_password(const std::string& hash, std::string_view typed);

}  // namespace hub::people
