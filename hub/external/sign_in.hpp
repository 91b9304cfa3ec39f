// People whose tokens another authorization server gave: is the token good, who of the hub's people is it, in which
// workspace, with which rights. One for the program, all on one executor; look_up() runs on the blocking pool.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/auth/token_checker.hpp"
#include "common/log/logger.hpp"
#include "hub/external/identities.hpp"
#include "hub/identity/verifier.hpp"

namespace hub::external {

class sign_in {
public:
    // What is given outlives it. `has_scopes`: the server's tokens say what they may, so that a client may ask it for more.
    sign_in(std::unique_ptr<common::auth::token_checker> checker, identities& people, common::log::logger& log,
            bool has_scopes = true);

    // Logs why a server cannot be asked, every ten seconds at most: the caller is not told.
    boost::asio::awaitable<common::auth::token_result> check(std::string token);

    // not_found, with a sentence for the person: nobody is linked with the token's subject, or they are no member of the
    // workspace that it names, or it names none and they are members of several.
    tenancy::result<identity::verified> look_up(const common::auth::token_claims& claims);

private:
    std::unique_ptr<common::auth::token_checker> checker_;
    identities& people_;
    bool has_scopes_;
};

// The link's id that a principal's client_id begins with: what ends with the link.
std::string_view identity_of_client(std::string_view client_id);

}  // namespace hub::external
