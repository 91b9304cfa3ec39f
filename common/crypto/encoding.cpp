#include "common/crypto/encoding.hpp"

#include <array>
#include <cstdint>

namespace common::crypto {

namespace {

// RFC 4648 codes differ in the alphabet and in the bits that a character carries.
struct radix {
    std::string_view alphabet;
    unsigned bits;
};

constexpr radix base64url{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6};
constexpr radix base32{"abcdefghijklmnopqrstuvwxyz234567", 5};
constexpr radix hex{"0123456789abcdef", 4};

constexpr std::array<std::int8_t, 256> inverse(std::string_view alphabet) {
    std::array<std::int8_t, 256> table{};
    table.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    return table;
}

template <const radix& R>
std::string encode(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() * 8 + R.bits - 1) / R.bits);
    std::uint32_t buffer = 0;
    unsigned held = 0;
    for (const char c : bytes) {
        buffer = (buffer << 8U) | static_cast<unsigned char>(c);
        held += 8;
        while (held >= R.bits) {
            held -= R.bits;
            out.push_back(R.alphabet[(buffer >> held) & ((1U << R.bits) - 1)]);
        }
        buffer &= (1U << held) - 1;
    }
    if (held > 0) out.push_back(R.alphabet[(buffer << (R.bits - held)) & ((1U << R.bits) - 1)]);
    return out;
}

template <const radix& R>
std::optional<std::string> decode(std::string_view text) {
    static constexpr auto table = inverse(R.alphabet);
    std::string out;
    out.reserve(text.size() * R.bits / 8);
    std::uint32_t buffer = 0;
    unsigned held = 0;
    for (const char c : text) {
        const int digit = table[static_cast<unsigned char>(c)];
        if (digit < 0) return std::nullopt;
        buffer = (buffer << R.bits) | static_cast<std::uint32_t>(digit);
        held += R.bits;
        if (held >= 8) {
            held -= 8;
            out.push_back(static_cast<char>((buffer >> held) & 0xffU));
        }
        buffer &= (1U << held) - 1;
    }
    // A whole character too many, or bits that no encoder sets: a second spelling of the same bytes.
    if (held >= R.bits || buffer != 0) return std::nullopt;
    return out;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
    std::string out = base64url_encode(bytes);
    for (char& c : out) c = c == '-' ? '+' : c == '_' ? '/' : c;
    out.append((4 - out.size() % 4) % 4, '=');
    return out;
}

std::string base64url_encode(std::string_view bytes) { return encode<base64url>(bytes); }
std::optional<std::string> base64url_decode(std::string_view text) { return decode<base64url>(text); }

std::string base32_encode(std::string_view bytes) { return encode<base32>(bytes); }
std::optional<std::string> base32_decode(std::string_view text) { return decode<base32>(text); }

std::string hex_encode(std::string_view bytes) { return encode<hex>(bytes); }
std::optional<std::string> hex_decode(std::string_view text) { return decode<hex>(text); }

}  // namespace common::crypto
