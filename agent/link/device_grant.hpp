// `codez setup` without a join token: a person lets this machine in, in a browser anywhere (RFC 8628).
#pragma once

#include <expected>
#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace agent::link {

struct device_request {
    std::string hub_url;     // the hub's public URL, without a trailing slash
    std::string ca_file;     // PEM of a private authority, or empty
    std::string name;        // the machine's
    std::string machine_id;  // made of its public key
};

// What the person must see: where to go, and what to type there.
struct device_prompt {
    std::string url;           // that asks for the code
    std::string complete_url;  // that has it; may be empty
    std::string code;
};
using show_code = std::function<void(const device_prompt&)>;

// Waits until somebody has decided, or the code is too old. A join token for this machine's key; the error is a sentence
// for the person at the terminal.
boost::asio::awaitable<std::expected<std::string, std::string>> ask_person(device_request request, show_code show);

}  // namespace agent::link
