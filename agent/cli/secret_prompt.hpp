// Asks the person at the terminal for a secret. Blocking; for command lines only.
#pragma once

#include <istream>
#include <optional>
#include <string>
#include <string_view>

namespace agent::cli {

// One line of standard input, not shown while it is typed, without white space around it. However the waiting ends, by
// ^C too, the terminal shows again what is typed. nullopt: interrupted, or the end of the input.
std::optional<std::string> ask_secret(std::string_view question);

// The first line of a stream, without white space around it. At most 4096 bytes are read.
std::string first_line(std::istream& in);

}  // namespace agent::cli
