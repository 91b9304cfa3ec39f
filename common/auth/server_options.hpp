// Which other authorization server a program takes tokens of, and how they are checked. Plain values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "common/auth/token_checker.hpp"

namespace common::auth {

enum class server_kind { jwt, introspection, authkit };

struct server_options {
    std::string issuer;  // empty: there is no such server
    server_kind kind = server_kind::jwt;
    std::string client_id;      // our own at the server, for introspection
    std::string client_secret;  // likewise
    std::string workspace_claim;
    bool any_token_type = false;
    std::vector<std::string> scopes{"mcp:tools"};  // of everybody, with an AuthKit, which does not say
};

// `audiences`: the spellings of this resource, see own_audiences().
std::unique_ptr<token_checker> make_checker(boost::asio::any_io_executor executor, const server_options& options,
                                            std::vector<std::string> audiences, server_access access);

}  // namespace common::auth
