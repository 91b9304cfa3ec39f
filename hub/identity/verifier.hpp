// verify(credential) -> principal: the one place where the hub finds out who calls. API keys ("czk_…"), the hub's own
// access tokens ("cza_…"), and tokens of another authorization server, if one is configured.
// Thread-safe; coroutines complete on the executor of whoever awaits. SQL runs on the blocking pool; answers, good and
// bad, are cached for a second at most, so a revocation by another process counts within a second and one that calls
// invalidate() at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/auth/resource_server.hpp"
#include "common/auth/token_checker.hpp"
#include "hub/identity/principal_cache.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/principal.hpp"

namespace hub::identity {

using common::auth::verify_errc;
using common::auth::verify_error;
using common::auth::verify_result;

// The hub's own access tokens (hub/oauth), as far as verify() needs to know them.
struct access_tokens {
    std::function<bool(std::string_view credential)> looks_like;
    // By SHA-256; runs on the pool. A token that counts no more is a `verified` without a principal.
    std::function<tenancy::result<verified>(const std::string& hash)> find;
};

// Tokens of another authorization server (hub/external). Both empty: there is none.
struct external_tokens {
    std::function<boost::asio::awaitable<common::auth::token_result>(std::string token)> check;
    // Runs on the pool. not_found: with a sentence for whom the token is of.
    std::function<tenancy::result<verified>(const common::auth::token_claims& claims)> find;
};

struct verifier_options {
    std::size_t cache_entries_max = 10'000;
    std::chrono::milliseconds cache_ttl{1000};
    tenancy::clock_function now = tenancy::system_time_ms;
    std::function<std::chrono::steady_clock::time_point()> steady_now = std::chrono::steady_clock::now;
    access_tokens tokens{};
    external_tokens external{};
};

class verifier {
public:
    // The store and the pool outlive the verifier and every verify() under way.
    verifier(tenancy::store& accounts, common::async::blocking_pool& pool, verifier_options options = {});

    // `credential` as it came in X-Codez-Api-Key or behind "Bearer ", maybe empty.
    boost::asio::awaitable<verify_result> verify(std::string credential);

    // A key or a grant was revoked or changed: forget it now. Look-ups under way are not cached either.
    void invalidate(std::string_view client_id);
    // A role or a workspace changed.
    void invalidate_all();

private:
    using found = std::expected<verified, verify_error>;
    boost::asio::awaitable<found> find_own(std::string credential, std::string hash);
    boost::asio::awaitable<found> find_external(std::string token);
    // On the pool.
    tenancy::result<verified> look_up(std::string_view credential, const std::string& hash);

    tenancy::store& accounts_;
    common::async::blocking_pool& pool_;
    verifier_options options_;
    principal_cache cache_;
};

}  // namespace hub::identity
