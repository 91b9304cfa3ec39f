// What every fuzz target defines, and how it says that something is wrong. A target is one function over any bytes: it
// must neither crash nor break what it requires. libFuzzer makes inputs for it (preset `fuzz`); in every other build
// replay.cpp runs it over the corpus.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

namespace fuzz {

void run(std::string_view input);

inline void require(bool holds) {
    if (!holds) std::abort();
}

// Takes decisions off the end of the input, so that its beginning stays readable: 0 when nothing is left.
inline std::uint8_t take_byte(std::string_view& input) {
    if (input.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(input.back());
    input.remove_suffix(1);
    return byte;
}

// What a parser makes of a text (discarded: not JSON). Nothing if it cannot tell: it refuses a number that no double holds,
// which JSON allows (RFC 8259, 6).
inline std::optional<nlohmann::json> parse_json(std::string_view text) {
    try {
        return nlohmann::json::parse(text);
    } catch (const nlohmann::json::out_of_range&) {
        return std::nullopt;
    } catch (const nlohmann::json::parse_error&) {
        return nlohmann::json(nlohmann::json::value_t::discarded);
    }
}

}  // namespace fuzz
