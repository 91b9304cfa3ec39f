// Which people of other authorization servers are which of the hub's. Blocking: call it on a common::async::blocking_pool
// thread. Nothing here throws for what the database does. Changes are audited with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/database.hpp"
#include "hub/tenancy/records.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::external {

struct person {
    std::string identity_id;  // "x_…": of this link between two identities
    std::string user_id;
    std::string name;
    std::vector<tenancy::membership> workspaces;  // where they are members
};

class identities {
public:
    explicit identities(common::db::database& db, tenancy::clock_function now = tenancy::system_time_ms)
        : db_(db), now_(std::move(now)) {}

    // By issuer and subject, byte by byte, never by an e-mail address: anybody may claim one somewhere.
    tenancy::result<person> find(std::string_view issuer, std::string_view subject);

    // The id of the new link. already_exists: that subject is linked, with whomever.
    tenancy::result<std::string> link(std::string_view issuer, std::string_view subject, std::string_view user_id);
    tenancy::result<void> unlink(std::string_view issuer, std::string_view subject);
    // Links that ended after that time.
    tenancy::result<std::vector<std::string>> list_ended(std::int64_t since);

private:
    common::db::database& db_;
    tenancy::clock_function now_;
};

}  // namespace hub::external
