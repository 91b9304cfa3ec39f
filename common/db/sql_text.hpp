// Rewrites our portable SQL for a dialect. Pure functions. Literals, quoted identifiers and comments are left alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace common::db {

struct postgres_sql {
    std::string text;                // :name is $1, $2 …
    std::vector<std::string> names;  // of $1, $2 …, each once
};

// Also INTEGER -> BIGINT (times in milliseconds need 64 bits), BLOB -> BYTEA (upper case only), {{ID}}.
postgres_sql to_postgres(std::string_view portable);

// SQLite takes portable SQL as it is, but for {{ID}}.
std::string to_sqlite(std::string_view portable);

}  // namespace common::db
