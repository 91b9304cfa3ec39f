// What people are shown as a client's name. Pure function.
#pragma once

#include <string>
#include <string_view>

namespace hub::oauth {

// The name without what could change the look of the text around it, at most 100 bytes; without a usable name, where its
// redirect leads.
std::string clean_client_name(std::string_view name, std::string_view redirect_uri);

}  // namespace hub::oauth
