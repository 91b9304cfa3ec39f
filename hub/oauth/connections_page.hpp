// /connections: the applications that a person has let in, and the button that ends it.
#pragma once

#include <string_view>
#include <vector>

#include "hub/oauth/records.hpp"
#include "hub/pages/html.hpp"

namespace hub::oauth {

// Pure; everything from outside is escaped.
pages::page connections_page(const std::vector<grant>& grants, std::string_view form_token, std::string_view done);

}  // namespace hub::oauth
