// `codez setup`: makes the machine's key, shows it to the hub with a join token, and keeps what the hub answers.
#pragma once

#include <expected>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/link/link_settings.hpp"
#include "common/crypto/ed25519_key.hpp"

namespace agent::link {

struct enroll_request {
    std::string hub_url;     // the hub's public URL, without a trailing slash
    std::string join_token;  // czj_…
    std::string name;        // may be empty: the hub takes the host name
    std::string ca_file;     // PEM of a private authority, or empty
};

// The error is a sentence for the person at the terminal.
boost::asio::awaitable<std::expected<link_settings, std::string>> enroll(enroll_request request,
                                                                         common::crypto::ed25519_key key);

}  // namespace agent::link
