#include "agent/direct/verifier.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "agent/local/caller.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/secret.hpp"

namespace agent::direct {

using common::auth::token_claims;
using common::auth::token_errc;
using common::auth::verify_errc;
using common::auth::verify_error;
using common::auth::verify_result;

namespace {

constexpr std::size_t clients_max = 4096;
constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t client_hash_bytes = 10;

// "czk_…" and whatever else is CodeZ's own: never shown to another server.
bool has_own_prefix(std::string_view credential) {
    return credential.size() > 3 && credential.starts_with("cz") && credential[3] == '_';
}

std::unexpected<verify_error> refuse(verify_errc code, std::string sentence) {
    return std::unexpected(verify_error{code, std::move(sentence), {}});
}

std::unexpected<verify_error> invalid() {
    return refuse(verify_errc::invalid, "This credential is not valid, or not any more. Ask for a new one.");
}

std::unexpected<verify_error> unavailable() {
    return refuse(verify_errc::unavailable, "This agent cannot check credentials at the moment. Try again shortly.");
}

// Clients choose their names: two of them differ, and no name gets into ids.
proto::principal principal_of(const token_claims& claims, bool may_grow) {
    const auto hash = common::crypto::sha256(claims.client_id).substr(0, client_hash_bytes);
    proto::principal who{std::string(local::direct_workspace), claims.subject, common::crypto::base32_encode(hash),
                         claims.subject, claims.scopes};
    if (may_grow) who.attainable = {"mcp:tools"};
    return who;
}

}  // namespace

verifier::verifier(live_keys& keys, token_options tokens, clock_function now)
    : keys_(keys), tokens_(std::move(tokens)), now_(std::move(now)) {}

boost::asio::awaitable<verify_result> verifier::verify(std::string credential) {
    if (credential.empty())
        co_return refuse(verify_errc::absent,
                         tokens_.checker
                             ? "Sign in (OAuth), or send an API key as X-Codez-Api-Key or as a bearer token."
                             : "Send an API key as X-Codez-Api-Key or as a bearer token.");
    if (has_own_prefix(credential)) co_return check_key(credential);
    if (!tokens_.checker) co_return invalid();
    co_return co_await check_token(std::move(credential));
}

verify_result verifier::check_key(std::string_view secret) {
    const auto* key = keys_.find(secret, now_());
    if (key != nullptr)
        return proto::principal{std::string(local::direct_workspace), "direct", key->id, key->name, key->scopes};
    if (!keys_.trouble().empty()) return unavailable();
    return invalid();
}

boost::asio::awaitable<verify_result> verifier::check_token(std::string token) {
    const auto checked = co_await tokens_.checker->check(std::move(token));
    if (!checked && checked.error().code == token_errc::unavailable) co_return unavailable();
    if (!checked) co_return invalid();
    if (std::ranges::find(tokens_.subjects, checked->subject) == tokens_.subjects.end())
        co_return refuse(verify_errc::nobody,
                         fmt::format("You, \"{}\" at {}, may not use this machine. Its operator can let you in with "
                                     "--auth-subject.",
                                     checked->subject, checked->issuer));
    auto who = principal_of(*checked, tokens_.may_grow);
    constexpr auto skew = common::auth::clock_skew_seconds;
    note_token(who.key(), checked->expires_at == 0 ? forever : (checked->expires_at + skew) * 1000);
    co_return who;
}

void verifier::note_token(const std::string& whose, std::int64_t expires_at) {
    if (const auto known = good_until_.find(whose); known != good_until_.end()) {
        known->second = std::max(known->second, expires_at);
        return;
    }
    if (good_until_.size() >= clients_max)
        std::erase_if(good_until_, [now = now_()](const auto& one) { return one.second <= now; });
    if (good_until_.size() >= clients_max)
        good_until_.erase(std::ranges::min_element(good_until_, {}, [](const auto& one) { return one.second; }));
    good_until_.emplace(whose, expires_at);
}

bool verifier::has_ended(const proto::principal& who) {
    if (who.client_id.starts_with("k_")) return !keys_.is_good(who.client_id, now_());
    const auto known = good_until_.find(who.key());
    return known == good_until_.end() || known->second <= now_();
}

}  // namespace agent::direct
