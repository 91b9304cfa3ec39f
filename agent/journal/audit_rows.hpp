// The audit table of log.db: who called what here, and what was refused by which rule. Never an argument's text. Inside a
// transaction; on failure the connection throws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/db/database.hpp"

namespace agent::journal {

struct audit_entry {
    std::int64_t id = 0;
    std::int64_t at_ms = 0;  // Unix time
    std::string principal;   // principal::key()
    std::string origin;      // "link", "local" or "direct"
    std::string tool;
    std::string session_id;  // empty: none
    std::string rule;        // refused: by what
    bool refused = false;
    std::string arguments_hash;  // SHA-256, hex
};

std::int64_t insert_audit(common::db::connection& c, const audit_entry& entry);
void settle_audit(common::db::connection& c, std::int64_t id, const std::string& session_id, const std::string& rule);

struct audit_query {
    std::int64_t since_ms = 0;
    std::string session_id;  // empty: all
    bool refused_only = false;
    std::int64_t limit = 100;  // the newest ones
};
// Oldest first.
std::vector<audit_entry> list_audit(common::db::connection& c, const audit_query& query);

// Forgets what is older, and all but the newest `keep`.
void expire_audit(common::db::connection& c, std::int64_t before_ms, std::int64_t keep);

}  // namespace agent::journal
