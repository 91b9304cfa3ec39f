#include "hub/external/sign_in.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/auth/logged_checker.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "hub/identity/scopes.hpp"
#include "hub/tenancy/outcome.hpp"

namespace hub::external {

using common::auth::token_claims;
using common::auth::token_result;

namespace {

constexpr std::size_t client_hash_bytes = 10;

// Two clients of one person differ, and their names, which strangers choose, stay out of ids.
std::string client_of(const person& who, const token_claims& claims) {
    const auto hash = common::crypto::sha256(claims.client_id).substr(0, client_hash_bytes);
    return fmt::format("{}.{}", who.identity_id, common::crypto::base32_encode(hash));
}

tenancy::result<tenancy::membership> choose_workspace(const person& who, const token_claims& claims) {
    if (claims.workspace.empty()) {
        if (who.workspaces.size() == 1) return who.workspaces.front();
        return tenancy::fail(tenancy::errc::not_found,
                             who.workspaces.empty()
                                 ? "You are a member of no workspace of this hub."
                                 : "You are a member of several workspaces, and your token names none of them.");
    }
    const auto found = std::ranges::find(who.workspaces, claims.workspace, &tenancy::membership::workspace_id);
    if (found != who.workspaces.end()) return *found;
    return tenancy::fail(tenancy::errc::not_found, "You are no member of the workspace that your token names.");
}

}  // namespace

sign_in::sign_in(std::unique_ptr<common::auth::token_checker> checker, identities& people, common::log::logger& log,
                 bool has_scopes)
    : checker_(common::auth::make_logged(std::move(checker), log)), people_(people), has_scopes_(has_scopes) {}

boost::asio::awaitable<token_result> sign_in::check(std::string token) { return checker_->check(std::move(token)); }

tenancy::result<identity::verified> sign_in::look_up(const token_claims& claims) {
    const auto who = people_.find(claims.issuer, claims.subject);
    if (!who && who.error().code == tenancy::errc::not_found)
        return tenancy::fail(tenancy::errc::not_found,
                             fmt::format("Nobody of this hub is linked with you, \"{}\" at {}. Ask its operator.",
                                         claims.subject, claims.issuer));
    if (!who) return std::unexpected(who.error());
    const auto where = choose_workspace(*who, claims);
    if (!where) return std::unexpected(where.error());
    proto::principal principal{where->workspace_id, who->user_id, client_of(*who, claims), who->name,
                               identity::effective_scopes(claims.scopes, where->role)};
    const auto of_role = identity::scopes_of(where->role);
    if (has_scopes_) principal.attainable.assign(of_role.begin(), of_role.end());
    identity::verified out{std::move(principal), std::nullopt};
    if (claims.expires_at != 0) out.expires_at = (claims.expires_at + common::auth::clock_skew_seconds) * 1000;
    return out;
}

std::string_view identity_of_client(std::string_view client_id) { return client_id.substr(0, client_id.find('.')); }

}  // namespace hub::external
