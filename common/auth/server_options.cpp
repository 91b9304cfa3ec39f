#include "common/auth/server_options.hpp"

#include <utility>

namespace common::auth {

std::unique_ptr<token_checker> make_checker(boost::asio::any_io_executor executor, const server_options& options,
                                            std::vector<std::string> audiences, server_access access) {
    token_rules rules{.issuer = options.issuer,
                      .audiences = std::move(audiences),
                      .any_type = options.any_token_type,
                      .workspace_claim = options.workspace_claim};
    switch (options.kind) {
        case server_kind::introspection:
            return make_introspection_checker(std::move(executor), std::move(rules),
                                              {options.client_id, options.client_secret}, std::move(access));
        case server_kind::authkit:
            return make_authkit_checker(std::move(executor), options.issuer, options.scopes, std::move(access));
        case server_kind::jwt:
            break;
    }
    return make_jwt_checker(std::move(executor), std::move(rules), std::move(access));
}

}  // namespace common::auth
