// Portable SQL on SQLite and PostgreSQL. Blocking: call it on a common::async::blocking_pool thread.
// Parameters are named (:name), every one CAST in the SQL text; columns are INTEGER (milliseconds for times), TEXT, BLOB.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace common::db {

struct blob {
    std::string bytes;
    bool operator==(const blob&) const = default;
};

using value = std::variant<std::monostate, std::int64_t, std::string, blob>;
using parameters = std::vector<std::pair<std::string_view, value>>;

enum class db_errc {
    already_exists,  // a unique constraint
    unavailable,     // the database cannot be reached, is locked beyond the busy timeout
    full,            // the disk is full: nothing was changed
    corrupt,
    unknown,  // the commit is in doubt: it may or may not have happened
    failed,   // anything else; a bug or a schema mismatch
};

struct db_error {
    db_errc code = db_errc::failed;
    std::string message;  // for the log, not for users
};

// One row of a result. Wrong names and types are bugs: they throw std::logic_error.
class row {
public:
    row(std::shared_ptr<const std::vector<std::string>> columns, std::vector<value> values)
        : columns_(std::move(columns)), values_(std::move(values)) {}

    std::int64_t integer(std::string_view column) const;
    const std::string& text(std::string_view column) const;
    const std::string& bytes(std::string_view column) const;
    bool is_null(std::string_view column) const;
    std::optional<std::int64_t> maybe_integer(std::string_view column) const;
    std::optional<std::string> maybe_text(std::string_view column) const;

private:
    const value& at(std::string_view column) const;
    std::shared_ptr<const std::vector<std::string>> columns_;
    std::vector<value> values_;
};

// Inside database::transaction only. Throws an internal exception on failure, which transaction() turns into db_error.
class connection {
public:
    virtual ~connection() = default;
    virtual std::vector<row> query(std::string_view sql, const parameters& params = {}) = 0;
    // Rows changed.
    virtual std::int64_t execute(std::string_view sql, const parameters& params = {}) = 0;
    // The dialect's spelling where portable SQL has none.
    virtual bool is_postgres() const = 0;
};

struct migration {
    int version;           // 1, 2, 3 … without holes
    std::string_view sql;  // portable; statements separated by ';'. {{ID}} = an auto-incremented INTEGER primary key
};

class database {
public:
    virtual ~database() = default;

    // Runs fn(connection&) in one transaction: BEGIN IMMEDIATE on SQLite, SERIALIZABLE with retry on PostgreSQL, so fn
    // may run more than once. An exception of fn's own rolls back and is thrown on.
    template <class F>
    auto transaction(F&& fn) -> std::expected<std::invoke_result_t<F&, connection&>, db_error> {
        using result_type = std::invoke_result_t<F&, connection&>;
        if constexpr (std::is_void_v<result_type>) {
            const std::function<void(connection&)> body = [&fn](connection& c) { fn(c); };
            if (auto e = run(body)) return std::unexpected(std::move(*e));
            return {};
        } else {
            std::optional<result_type> out;
            const std::function<void(connection&)> body = [&fn, &out](connection& c) { out.emplace(fn(c)); };
            if (auto e = run(body)) return std::unexpected(std::move(*e));
            return std::move(*out);
        }
    }

    // Applies the migrations newer than the schema in `name`'s row of schema_versions. A schema newer than the newest
    // migration is refused: the program is older than its data.
    virtual std::optional<db_error> migrate(std::string_view name, std::span<const migration> migrations) = 0;

protected:
    virtual std::optional<db_error> run(const std::function<void(connection&)>& body) = 0;
};

struct open_options {
    // SQLite: wait for the disk on each commit (synchronous=FULL), else at checkpoints only (NORMAL).
    bool synchronous_full = true;
    int busy_timeout_ms = 5000;
    // A connection that only reads. SQLite: transactions are plain BEGIN, so that they never wait for the writer, and
    // writing fails. PostgreSQL: no difference.
    bool read_only = false;
};

// "sqlite:///absolute/path.db" or "postgresql://…". One connection: one thread at a time (it locks).
std::expected<std::unique_ptr<database>, db_error> open(const std::string& url, const open_options& options = {});

}  // namespace common::db
