// The URL of a hub as a person types it, as the one origin that is dialled, stored and signed. Pure.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace agent::link {

// Plain http shows the join token and every prompt to the network, so to other machines it is refused unless asked for.
enum class plain_http { on_this_machine, anywhere };

// "https://hub.example.com" or "http://127.0.0.1:8080": scheme and host in lower case, no default port, no path. The
// error is a sentence for the person at the terminal.
std::expected<std::string, std::string> hub_origin(std::string_view typed, plain_http allowed);

}  // namespace agent::link
