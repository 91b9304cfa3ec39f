// Accounts of other providers with which people sign in here. They are found by issuer and subject only: what a provider says
// of somebody's e-mail address makes nobody anybody here. Blocking, as people::store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/people/store.hpp"

namespace hub::people {

constexpr std::int64_t linked_accounts_per_user_max = 20;

struct linked_account {
    std::string id;  // "x_…"
    std::string issuer;
    std::int64_t since = 0;  // ms since 1970
};

class linked_accounts {
public:
    explicit linked_accounts(common::db::database& db, tenancy::clock_function now = tenancy::system_time_ms)
        : db_(db), now_(std::move(now)) {}

    // not_found: nobody is linked with it. key_conflict: somebody else than `expected_user_id`, where that is not empty.
    // `replaced`: as of people::store::sign_in.
    tenancy::result<new_session> sign_in(const outside_account& who, std::string_view replaced,
                                         std::string_view expected_user_id);
    // Nothing new for who has it already. key_conflict: it is somebody else's.
    tenancy::result<void> link(std::string_view user_id, const outside_account& with);
    // invalid: it is the only way in that is left, where `issuers` are those with whose accounts people may sign in.
    tenancy::result<void> unlink(std::string_view user_id, std::string_view id,
                                 const std::vector<std::string>& issuers);
    tenancy::result<std::vector<linked_account>> list(std::string_view user_id);

private:
    common::db::database& db_;
    tenancy::clock_function now_;
};

}  // namespace hub::people
