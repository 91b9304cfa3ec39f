// Makes an empty database into a hub: tables, keys, one workspace with its owner, the first credentials.
// Blocking; for `codez-hub init`. Refuses a database that has a workspace already, and changes nothing then.
#pragma once

#include <string>

#include "common/db/database.hpp"
#include "hub/tenancy/records.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::tenancy {

struct setup_options {
    std::string workspace_name;
    std::string owner_name;
    std::string owner_email;  // may be empty
};

// The secrets are shown once: the database holds their SHA-256.
struct setup_result {
    workspace first_workspace;
    user owner;
    new_api_key key;  // scope mcp:tools
    new_join_token join;
};

// One more workspace of an existing hub, with its owner and first credentials.
result<setup_result> add_workspace(common::db::database& db, const setup_options& options,
                                   clock_function now = system_time_ms);

result<setup_result> initialise(common::db::database& db, const setup_options& options,
                                clock_function now = system_time_ms);

}  // namespace hub::tenancy
