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

// "czk_…" and whatever else is the hub's own: never shown to another server.
bool has_own_prefix(std::string_view credential) {
    return credential.size() > 3 && credential.starts_with("cz") && credential[3] == '_';
}

std::unexpected<verify_error> absent() {
    return std::unexpected(verify_error{
        verify_errc::absent, "Sign in (OAuth), or send an API key as X-Codez-Api-Key or as a bearer token.", {}});
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
    proto::principal who{key.workspace_id, key.user_id, key.id, found.user_name,
                         effective_scopes(key.scopes, found.role)};
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

boost::asio::awaitable<verifier::found> verifier::find_own(std::string credential, std::string hash) {
    const auto row = co_await pool_.run([this, &credential, &hash] { return look_up(credential, hash); });
    if (!row) co_return unavailable(std::string(common::async::to_sentence(row.error())));
    if (*row) co_return **row;
    if (row->error().code == tenancy::errc::not_found) co_return verified();
    co_return unavailable(row->error().log_text);
}

boost::asio::awaitable<verifier::found> verifier::find_external(std::string token) {
    const auto checked = co_await options_.external.check(std::move(token));
    if (!checked && checked.error().code == common::auth::token_errc::unavailable)
        co_return unavailable(checked.error().log_text);
    if (!checked) co_return verified();
    const auto person = co_await pool_.run([this, &checked] { return options_.external.find(*checked); });
    if (!person) co_return unavailable(std::string(common::async::to_sentence(person.error())));
    if (*person) co_return **person;
    if (person->error().code == tenancy::errc::not_found)
        co_return std::unexpected(verify_error{verify_errc::nobody, person->error().message, {}});
    co_return unavailable(person->error().log_text);
}

boost::asio::awaitable<verify_result> verifier::verify(std::string credential) {
    if (credential.empty()) co_return absent();
    const bool is_token = options_.tokens.looks_like && options_.tokens.looks_like(credential);
    const bool is_own = is_token || looks_like_key(credential);
    if (!is_own && (!options_.external.check || has_own_prefix(credential))) co_return invalid();
    const auto hash = common::crypto::sha256(credential);
    auto answer = cache_.find(hash, options_.steady_now());
    if (!answer) {
        const auto generation = cache_.generation();
        // The time counts from before the look-up: what it read may be as old as its beginning.
        const auto asked_at = options_.steady_now();
        auto found =
            is_own ? co_await find_own(std::move(credential), hash) : co_await find_external(std::move(credential));
        if (!found) co_return std::unexpected(std::move(found.error()));
        answer = std::move(*found);
        cache_.put(hash, *answer, generation, asked_at);
    }
    if (!answer->who) co_return invalid();
    if (answer->expires_at && *answer->expires_at <= options_.now()) co_return invalid();
    co_return std::move(*answer->who);
}

void verifier::invalidate(std::string_view client_id) { cache_.invalidate(client_id); }

void verifier::invalidate_all() { cache_.invalidate_all(); }

}  // namespace hub::identity
