#include "hub/identity/verifier.hpp"

#include "common/crypto/digest.hpp"
#include "hub/identity/scopes.hpp"

namespace hub::identity {

namespace {

constexpr std::string_view key_prefix = "czk_";
constexpr std::size_t key_chars = 44;

// Keeps made-up credentials away from the database.
bool looks_like_key(std::string_view credential) {
    return credential.size() == key_chars && credential.starts_with(key_prefix) &&
           credential.substr(key_prefix.size()).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") ==
               std::string_view::npos;
}

std::unexpected<verify_error> absent() {
    return std::unexpected(
        verify_error{verify_errc::absent, "Sign in (OAuth), or send an API key as X-Codez-Api-Key or as a bearer token.", {}});
}

// One sentence for all: whoever tries keys must not learn which exist.
std::unexpected<verify_error> invalid() {
    return std::unexpected(
        verify_error{verify_errc::invalid, "This credential is not valid, or not any more. Ask for a new one.", {}});
}

std::unexpected<verify_error> unavailable(std::string log_text) {
    return std::unexpected(verify_error{verify_errc::unavailable,
                                        "The hub cannot check credentials at the moment. Try again shortly.",
                                        std::move(log_text)});
}

verified judge(const tenancy::api_key_grant& found) {
    const auto& key = found.key;
    if (key.revoked_at) return {};
    proto::principal who{key.workspace_id, key.user_id, key.id, found.user_name, effective_scopes(key.scopes, found.role)};
    return {std::move(who), key.expires_at};
}

}  // namespace

verifier::verifier(tenancy::store& accounts, common::async::blocking_pool& pool, verifier_options options)
    : accounts_(accounts),
      pool_(pool),
      options_(std::move(options)),
      cache_(options_.cache_entries_max, options_.cache_ttl) {}

tenancy::result<verified> verifier::look_up(std::string_view credential, const std::string& hash) {
    if (!looks_like_key(credential)) return options_.tokens.find(hash);
    const auto found = accounts_.find_api_key(hash);
    if (!found) return std::unexpected(found.error());
    return judge(*found);
}

boost::asio::awaitable<verify_result> verifier::verify(std::string credential) {
    if (credential.empty()) co_return absent();
    const bool is_token = options_.tokens.looks_like && options_.tokens.looks_like(credential);
    if (!is_token && !looks_like_key(credential)) co_return invalid();
    const auto hash = common::crypto::sha256(credential);
    auto answer = cache_.find(hash, options_.steady_now());
    if (!answer) {
        const auto generation = cache_.generation();
        // The time counts from before the look-up: what it read may be as old as its beginning.
        const auto asked_at = options_.steady_now();
        const auto found = co_await pool_.run([this, &credential, &hash] { return look_up(credential, hash); });
        if (!found) co_return unavailable(std::string(common::async::to_sentence(found.error())));
        if (!*found && found->error().code != tenancy::errc::not_found) co_return unavailable(found->error().log_text);
        answer = *found ? std::move(**found) : verified();
        cache_.put(hash, *answer, generation, asked_at);
    }
    if (!answer->who) co_return invalid();
    if (answer->expires_at && *answer->expires_at <= options_.now()) co_return invalid();
    co_return std::move(*answer->who);
}

void verifier::invalidate(std::string_view client_id) { cache_.invalidate(client_id); }

void verifier::invalidate_all() { cache_.invalidate_all(); }

}  // namespace hub::identity
