// The SQLite driver: one connection in WAL mode, used by one thread at a time under a lock. The file is made with mode
// 0600. Other processes may use the same file; a writer waits for them up to the busy timeout.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/db/database.hpp"

namespace common::db {

class sqlite_connection;

class sqlite_database final : public database {
public:
    static std::expected<std::unique_ptr<database>, db_error> open(const std::string& path,
                                                                   const open_options& options);
    ~sqlite_database() override;

    std::optional<db_error> migrate(std::string_view name, std::span<const migration> migrations) override;

protected:
    std::optional<db_error> run(const std::function<void(connection&)>& body) override;

private:
    explicit sqlite_database(std::unique_ptr<sqlite_connection> c);

    std::mutex mutex_;
    std::unique_ptr<sqlite_connection> connection_;
};

}  // namespace common::db
