// Where an authorization server has its endpoints (RFC 8414, OpenID Connect Discovery).
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/auth/token_checker.hpp"

namespace common::auth {

// https, without query or fragment (RFC 8414 §2).
bool is_issuer(std::string_view text);

struct server_metadata {
    std::string jwks_uri;                // empty, or https
    std::string introspection_endpoint;  // likewise
    std::string authorization_endpoint;  // likewise
    std::string token_endpoint;          // likewise
    bool takes_basic = true;             // client_secret_basic at the token endpoint (RFC 6749 §2.3.1)
    bool takes_post = false;             // client_secret_post
    bool sends_issuer = false;           // with each answer to an authorization request (RFC 9207)
};

// Where the metadata may be, in the order to look.
std::vector<std::string> metadata_urls(std::string_view issuer);

// The error is a sentence.
std::expected<server_metadata, std::string> parse_server_metadata(std::string_view body, std::string_view issuer);

boost::asio::awaitable<std::expected<server_metadata, std::string>> find_server_metadata(
    std::string issuer, server_access access, std::chrono::steady_clock::time_point deadline);

}  // namespace common::auth
