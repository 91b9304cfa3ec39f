// What a file is, by its first bytes: what a client says of it is not believed. Plain functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace agent::uploads {

constexpr std::size_t media_type_bytes = 16;  // as many are looked at

// image/png, image/jpeg, image/gif, image/webp, application/pdf, or application/octet-stream for all else.
std::string_view media_type_of(std::string_view beginning);

// Of those that claude can be shown.
bool is_image(std::string_view media_type);

// A name for the file on the disk: its last component, of letters, digits, '.', '-' and '_' only; what else there was
// becomes '_'. Never empty, never hidden.
std::string safe_name(std::string_view name);

}  // namespace agent::uploads
