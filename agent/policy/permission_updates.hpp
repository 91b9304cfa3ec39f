// Where claude keeps changes of its own permission rules (`destination` of a permission_suggestion). Pure.
#pragma once

#include <string_view>

namespace agent {

bool is_update_destination(std::string_view text);

}  // namespace agent
