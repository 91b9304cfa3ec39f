#include "common/db/migrations.hpp"

#include <stdexcept>

#include <fmt/format.h>

#include "common/db/failure.hpp"

namespace common::db {

void apply_migrations(connection& c, const std::function<void(std::string_view)>& script, std::string_view name,
                      std::span<const migration> migrations) {
    int expected = 0;
    for (const auto& m : migrations)
        if (m.version != ++expected) throw std::logic_error("migrations must be numbered 1, 2, 3 without holes");

    script("CREATE TABLE IF NOT EXISTS schema_versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL)");
    const parameters by_name{{"name", std::string(name)}};
    const auto rows = c.query("SELECT version FROM schema_versions WHERE name = CAST(:name AS TEXT)", by_name);
    const std::int64_t present = rows.empty() ? 0 : rows.front().integer("version");
    const auto newest = static_cast<std::int64_t>(migrations.size());
    if (present > newest)
        throw failure(
            {db_errc::failed,
             fmt::format("The tables of {} have version {}, made by a newer program; this one knows up to {}. "
                         "Run the newer program, or restore the backup that was made before the upgrade.",
                         name, present, newest)});
    if (present == newest) return;
    for (const auto& m : migrations.subspan(static_cast<std::size_t>(present))) script(m.sql);
    c.execute(
        "INSERT INTO schema_versions (name, version) VALUES (CAST(:name AS TEXT), CAST(:version AS INTEGER)) "
        "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
        {{"name", std::string(name)}, {"version", newest}});
}

}  // namespace common::db
