#include "common/db/database.hpp"
#include "common/db/postgres_database.hpp"
#include "common/db/sqlite_database.hpp"

namespace common::db {

std::expected<std::unique_ptr<database>, db_error> open(const std::string& url, const open_options& options) {
    constexpr std::string_view sqlite = "sqlite://";
    if (url.starts_with("sqlite:///")) return sqlite_database::open(url.substr(sqlite.size()), options);
    if (url.starts_with("postgresql://") || url.starts_with("postgres://"))
        return postgres_database::open(url, options);
    // The URL itself stays out of the text: it may hold a password.
    return std::unexpected(db_error{db_errc::failed,
                                    "The database URL must be sqlite:///absolute/path.db or "
                                    "postgresql://user@host/database."});
}

}  // namespace common::db
