// Who was sent to a provider and may come back: once, within ten minutes, in the same browser. In the database, so that a
// restart or another hub changes nothing. Blocking: call it on a common::async::blocking_pool thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/database.hpp"
#include "hub/tenancy/records.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::upstream {

constexpr std::int64_t visit_ms = 10LL * 60 * 1000;
constexpr std::int64_t visits_max = 20'000;

enum class purpose {
    sign_in,
    confirm,  // who is signed in, or signs in now, shall prove it anew
    link,     // the account there becomes one more way in for who is signed in
    welcome,  // a one-time link
};

struct visit {
    std::string provider_id;
    purpose what_for = purpose::sign_in;
    std::string continue_at;  // a path of the hub, sealed: the secret of a one-time link may be in it
    std::string user_id{};    // of who was signed in, if anybody was: for confirm and link
    std::string link_hash{};  // SHA-256 of the one-time link
    std::string name{};       // what somebody without an account says of themselves
    std::string email{};      // likewise
    std::int64_t begun_at = 0;
};

struct visit_back {
    visit what;
    std::string visitor_hash;  // which of those asked for it was
};

class visits {
public:
    explicit visits(common::db::database& db, tenancy::clock_function now = tenancy::system_time_ms)
        : db_(db), now_(std::move(now)) {}

    // `state` and `visitor` are SHA-256s: of the secret that the provider gives back, and of what binds it to a browser.
    // unavailable: too many are under way.
    tenancy::result<void> begin(std::string_view state, std::string_view visitor, const visit& what);
    // not_found alike for unknown, used and old ones, another browser's and another provider's.
    tenancy::result<visit_back> take(std::string_view state, std::string_view provider_id,
                                     const std::vector<std::string>& visitors);

private:
    common::db::database& db_;
    tenancy::clock_function now_;
};

}  // namespace hub::upstream
