// Asks whether a bearer token of an external authorization server is good, and who it is for. One of three ways: JWTs by
// the server's keys, opaque tokens by introspection (RFC 7662), MCPAuthKit's by its userinfo. All on one executor.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/auth/access_token.hpp"
#include "common/net/connect_error.hpp"
#include "common/net/http.hpp"
#include "common/net/http_client.hpp"

namespace common::auth {

enum class token_errc {
    invalid,      // 401
    unavailable,  // the server cannot be asked: 503, ask again. Never the token's fault
};

struct token_error {
    token_errc code = token_errc::invalid;
    std::string log_text;  // for the log: what was wrong, without the token
};

using token_result = std::expected<token_claims, token_error>;

using http_result = std::expected<net::http_response, net::connect_error>;
using http_fetch = std::function<boost::asio::awaitable<http_result>(net::http_client_request)>;

struct clocks {
    std::function<std::chrono::steady_clock::time_point()> steady = std::chrono::steady_clock::now;
    std::function<std::chrono::system_clock::time_point()> wall = std::chrono::system_clock::now;
};

// What all ways to check need.
struct server_access {
    http_fetch fetch;
    std::shared_ptr<const net::fetch_guard> guard;  // what `fetch` may reach
    clocks time;
};

class token_checker {
public:
    virtual ~token_checker() = default;
    virtual boost::asio::awaitable<token_result> check(std::string token) = 0;
};

std::unique_ptr<token_checker> make_jwt_checker(boost::asio::any_io_executor executor, token_rules rules,
                                                server_access access);

struct introspection_client {
    std::string id;
    std::string secret;
};
std::unique_ptr<token_checker> make_introspection_checker(boost::asio::any_io_executor executor, token_rules rules,
                                                          introspection_client client, server_access access);

// MCPAuthKit says neither for which server a token is nor what it may: whoever can get any token of that AuthKit gets in,
// with the scopes given here. Only "mat_…" tokens.
std::unique_ptr<token_checker> make_authkit_checker(boost::asio::any_io_executor executor, std::string issuer,
                                                    std::vector<std::string> scopes, server_access access);

}  // namespace common::auth
