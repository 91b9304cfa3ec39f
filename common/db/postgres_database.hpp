// The PostgreSQL driver (libpqxx 6.4): one connection, made when first needed and again after it broke, used by one
// thread at a time under a lock. Transactions are SERIALIZABLE; conflicts are retried a bounded number of times.
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

class postgres_session;

class postgres_database final : public database {
public:
    // Connects once, so that a wrong URL is told at the start.
    static std::expected<std::unique_ptr<database>, db_error> open(const std::string& url, const open_options& options);
    ~postgres_database() override;

    std::optional<db_error> migrate(std::string_view name, std::span<const migration> migrations) override;

protected:
    std::optional<db_error> run(const std::function<void(connection&)>& body) override;

private:
    // What one attempt came to, and whether another may succeed where it failed.
    struct attempt {
        std::optional<db_error> error;
        enum class again { no, after_a_pause, with_a_new_connection } retry = again::no;
    };

    postgres_database(std::string url, const open_options& options);
    void connect();
    std::optional<db_error> run_locked(const std::function<void(connection&)>& body);
    attempt try_once(const std::function<void(connection&)>& body);

    std::string url_;
    open_options options_;
    std::mutex mutex_;
    std::unique_ptr<postgres_session> session_;  // none: to be connected
};

}  // namespace common::db
