// UUIDs, which claude wants for sessions and prompts (RFC 9562). Pure, but for the random ones.
#pragma once

#include <string>
#include <string_view>

namespace agent::session {

std::string random_uuid();            // version 4
bool is_uuid(std::string_view text);  // lower case, with dashes
}  // namespace agent::session
