#include "hub/oauth/bearer.hpp"

#include <utility>

#include "common/auth/resource.hpp"
#include "hub/identity/scopes.hpp"

namespace hub::oauth {

identity::verified bearer_of(const token_grant& token, const std::string& origin) {
    if (token.revoked || token.audience != common::auth::own_audience(origin)) return {};
    // Each role holds all that the lower ones do: with the highest, all that its person may anywhere.
    proto::principal who{token.workspace_id, token.user_id, token.grant_id, token.user_name,
                         identity::effective_scopes(token.scopes, token.role)};
    for (const auto& one : token.workspaces)
        who.workspaces.push_back({one.workspace_id, identity::effective_scopes(token.scopes, one.role)});
    who.machines = token.machines;
    const auto of_role = identity::scopes_of(token.role);
    who.attainable.assign(of_role.begin(), of_role.end());
    return {std::move(who), token.expires_at};
}

}  // namespace hub::oauth
