// One open SQLite file with its cache of prepared statements. Not thread-safe. Errors throw db::failure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/db/database.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace common::db {

class sqlite_connection final : public connection {
public:
    sqlite_connection(const std::string& path, const open_options& options);
    ~sqlite_connection() override;
    sqlite_connection(const sqlite_connection&) = delete;
    sqlite_connection& operator=(const sqlite_connection&) = delete;

    std::vector<row> query(std::string_view sql, const parameters& params) override;
    std::int64_t execute(std::string_view sql, const parameters& params) override;
    bool is_postgres() const override { return false; }

    // Any number of statements, without parameters.
    void script(std::string_view sql);
    void begin();
    // After a failure the transaction is over, and either rolled back or, with db_errc::unknown, in doubt.
    void commit();
    void rollback() noexcept;

private:
    struct finalizer {
        void operator()(sqlite3_stmt* s) const;
    };
    struct closer {
        void operator()(sqlite3* db) const;
    };
    using statement = std::unique_ptr<sqlite3_stmt, finalizer>;

    sqlite3_stmt* prepare(std::string_view sql);
    void bind(sqlite3_stmt* s, const parameters& params) const;
    std::vector<row> run(std::string_view sql, const parameters& params);
    [[noreturn]] void fail() const;

    bool read_only_;
    std::unique_ptr<sqlite3, closer> db_;
    std::unordered_map<std::string, statement> statements_;
};

}  // namespace common::db
