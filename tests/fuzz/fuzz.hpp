// What every fuzz target defines, and how it says that something is wrong. A target is one function over any bytes: it
// must neither crash nor break what it requires. libFuzzer makes inputs for it (preset `fuzz`); in every other build
// replay.cpp runs it over the corpus.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

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

}  // namespace fuzz
