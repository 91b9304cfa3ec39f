#include "hub/people/password.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include <argon2.h>
#include <fmt/format.h>
#include <uninorm.h>

#include "common/crypto/random.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::people {

namespace {

constexpr std::uint32_t passes = 2;
constexpr std::uint32_t memory_kib = 19'456;
constexpr std::uint32_t lanes = 1;
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;
// No text that could become a password is longer; what is sent to try is cut off before it costs anything. A character
// of NFKC may have been typed as several.
constexpr std::size_t password_bytes_max = password_characters_max * 16;

// Of UTF-8. Anything else stays as it is, and is nobody's password.
std::string normalised(std::string_view password) {
    std::size_t size = 0;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(password.data());
    const std::unique_ptr<std::uint8_t, decltype(&std::free)> text(
        u8_normalize(UNINORM_NFKC, bytes, password.size(), nullptr, &size), &std::free);
    if (!text) return std::string(password);
    return {reinterpret_cast<const char*>(text.get()), size};
}

}  // namespace

std::optional<std::string> find_password_fault(std::string_view typed) {
    if (typed.size() > password_bytes_max || !tenancy::is_utf8(typed) || typed.contains('\0'))
        return fmt::format("A password has at most {} characters.", password_characters_max);
    const std::string password = normalised(typed);
    const auto characters =
        std::ranges::count_if(password, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; });
    if (characters < static_cast<std::ptrdiff_t>(password_characters_min))
        return fmt::format(
            "A password has at least {} characters. A few words that do not belong together are easy to "
            "remember.",
            password_characters_min);
    if (characters > static_cast<std::ptrdiff_t>(password_characters_max))
        return fmt::format("A password has at most {} characters.", password_characters_max);
    return std::nullopt;
}

std::string hash_password(std::string_view typed) {
    const std::string password = normalised(typed);
    const std::string salt = common::crypto::random_bytes(salt_bytes);
    std::string encoded(
        argon2_encodedlen(passes, memory_kib, lanes, static_cast<std::uint32_t>(salt_bytes), hash_bytes, Argon2_id),
        '\0');
    const int failed = argon2id_hash_encoded(passes, memory_kib, lanes, password.data(), password.size(), salt.data(),
                                             salt.size(), hash_bytes, encoded.data(), encoded.size());
    if (failed != ARGON2_OK) throw std::runtime_error(std::string("Argon2: ") + argon2_error_message(failed));
    encoded.resize(encoded.find('\0'));
    return encoded;
}

bool is_password(const std::string& hash, std::string_view typed) {
    if (typed.size() > password_bytes_max) return false;
    const std::string password = normalised(typed);
    const int result = argon2id_verify(hash.c_str(), password.data(), password.size());
    if (result == ARGON2_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
    return result == ARGON2_OK;
}

}  // namespace hub::people
