#include "hub/external/sign_in.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "hub/identity/scopes.hpp"
#include "hub/tenancy/outcome.hpp"

namespace hub::external {

using common::auth::token_claims;
using common::auth::token_errc;
using common::auth::token_result;

namespace {

constexpr std::chrono::seconds log_every(10);
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

std::unique_ptr<common::auth::token_checker> make_checker(boost::asio::any_io_executor executor,
                                                          const server_options& options, std::string audience,
                                                          common::auth::server_access access) {
    common::auth::token_rules rules{.issuer = options.issuer,
                                    .audience = std::move(audience),
                                    .any_type = options.any_token_type,
                                    .workspace_claim = options.workspace_claim};
    switch (options.kind) {
        case server_kind::introspection:
            return common::auth::make_introspection_checker(
                std::move(executor), std::move(rules), {options.client_id, options.client_secret}, std::move(access));
        case server_kind::authkit:
            return common::auth::make_authkit_checker(std::move(executor), options.issuer, options.scopes,
                                                      std::move(access));
        case server_kind::jwt:
            break;
    }
    return common::auth::make_jwt_checker(std::move(executor), std::move(rules), std::move(access));
}

sign_in::sign_in(std::unique_ptr<common::auth::token_checker> checker, identities& people, common::log::logger& log)
    : checker_(std::move(checker)), people_(people), log_(log) {}

boost::asio::awaitable<token_result> sign_in::check(std::string token) {
    auto checked = co_await checker_->check(std::move(token));
    if (checked) co_return checked;
    if (checked.error().code == token_errc::invalid) {
        log_.debug("a token of the authorization server was refused", {{"why", checked.error().log_text}});
    } else if (const auto now = std::chrono::steady_clock::now(); now >= next_log_) {
        next_log_ = now + log_every;
        log_.error("the authorization server cannot be asked", {{"why", checked.error().log_text}});
    }
    co_return checked;
}

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
    identity::verified out{std::move(principal), std::nullopt};
    if (claims.expires_at != 0) out.expires_at = (claims.expires_at + common::auth::clock_skew_seconds) * 1000;
    return out;
}

std::string_view identity_of_client(std::string_view client_id) { return client_id.substr(0, client_id.find('.')); }

}  // namespace hub::external
