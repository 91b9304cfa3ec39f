// Is a text fit to be a name that people see? Pure function.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hub::tenancy {

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// Valid UTF-8 (RFC 3629) of at most `bytes_max`, without control characters, line separators and the marks that reverse
// the direction of what follows: a name must not change the look of the text around it.
bool is_plain_text(std::string_view text, std::size_t bytes_max);

// Is also not empty and neither begins nor ends with a space.
bool is_name(std::string_view text, std::size_t bytes_max);

// A to Z only: what "whatever the case" means for names, the same in every database.
std::string lower_case(std::string_view text);

}  // namespace hub::tenancy
