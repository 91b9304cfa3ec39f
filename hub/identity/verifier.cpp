#include "hub/identity/verifier.hpp"

#include "common/crypto/digest.hpp"
#include "hub/identity/principal_cache.hpp"
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
        verify_error{verify_errc::absent, "Send an API key as X-Codez-Api-Key or as a bearer token.", {}});
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

verified judge(const tenancy::result<tenancy::api_key_grant>& found) {
    if (!found || found->key.revoked_at) return {};
    const auto& key = found->key;
    proto::principal who{key.workspace_id, key.user_id, key.id, found->user_name,
                         effective_scopes(key.scopes, found->role)};
    return {std::move(who), key.expires_at};
}

}  // namespace

verifier::verifier(tenancy::store& accounts, common::async::blocking_pool& pool, verifier_options options)
    : accounts_(accounts),
      pool_(pool),
      options_(std::move(options)),
      cache_(std::make_unique<principal_cache>(options_.cache_entries_max, options_.cache_ttl)) {}

verifier::~verifier() = default;

boost::asio::awaitable<verify_result> verifier::verify(std::string credential) {
    if (credential.empty()) co_return absent();
    if (!looks_like_key(credential)) co_return invalid();
    const auto hash = common::crypto::sha256(credential);
    auto answer = cache_->find(hash, options_.steady_now());
    if (!answer) {
        const auto generation = cache_->generation();
        // The time counts from before the look-up: what it read may be as old as its beginning.
        const auto asked_at = options_.steady_now();
        auto look_up = [this, hash] { return accounts_.find_api_key(hash); };
        const auto found = co_await pool_.run(std::move(look_up));
        if (!found) co_return unavailable(std::string(common::async::to_sentence(found.error())));
        if (!*found && found->error().code != tenancy::errc::not_found) co_return unavailable(found->error().log_text);
        answer = judge(*found);
        cache_->put(hash, *answer, generation, asked_at);
    }
    if (!answer->who) co_return invalid();
    if (answer->expires_at && *answer->expires_at <= options_.now()) co_return invalid();
    co_return std::move(*answer->who);
}

void verifier::invalidate(std::string_view key_id) { cache_->invalidate(key_id); }

void verifier::invalidate_all() { cache_->invalidate_all(); }

}  // namespace hub::identity
