#include "common/db/sqlite_connection.hpp"

#include <cerrno>
#include <stdexcept>

#include <sqlite3.h>

#include "common/db/failure.hpp"
#include "common/db/sql_text.hpp"

namespace common::db {

namespace {

// Our programs have fewer different statements; the bound is against SQL text made in a loop.
constexpr std::size_t cached_statements_max = 128;

db_errc code_of(sqlite3* db) {
    const int extended = sqlite3_extended_errcode(db);
    if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
        extended == SQLITE_CONSTRAINT_ROWID)
        return db_errc::already_exists;
    switch (extended & 0xff) {
        case SQLITE_FULL:
            return db_errc::full;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return db_errc::corrupt;
        // SQLite says FULL for ENOSPC on most paths, but not where it grows the shared memory file, nor for quotas.
        case SQLITE_IOERR: {
            const int reason = sqlite3_system_errno(db);
            return reason == ENOSPC || reason == EDQUOT ? db_errc::full : db_errc::unavailable;
        }
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_NOMEM:
            return db_errc::unavailable;
        default:
            return db_errc::failed;
    }
}

value value_of(sqlite3_stmt* s, int column) {
    switch (sqlite3_column_type(s, column)) {
        case SQLITE_NULL:
            return std::monostate{};
        case SQLITE_INTEGER:
            return static_cast<std::int64_t>(sqlite3_column_int64(s, column));
        case SQLITE_TEXT: {
            const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(s, column));
            return std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(s, column)));
        }
        case SQLITE_BLOB: {
            const auto* data = static_cast<const char*>(sqlite3_column_blob(s, column));
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(s, column));
            return size == 0 ? blob{} : blob{std::string(data, size)};
        }
        default:
            throw std::logic_error("portable SQL has no floating point columns");
    }
}

// Ends the use of a cached statement on every way out.
class use {
public:
    explicit use(sqlite3_stmt* s) : statement_(s) {}
    use(const use&) = delete;
    use& operator=(const use&) = delete;
    ~use() {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
    }

private:
    sqlite3_stmt* statement_;
};

}  // namespace

void sqlite_connection::finalizer::operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
void sqlite_connection::closer::operator()(sqlite3* db) const { sqlite3_close(db); }

sqlite_connection::sqlite_connection(const std::string& path, const open_options& options)
    : read_only_(options.read_only) {
    sqlite3* raw = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int opened = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
    db_.reset(raw);
    if (opened != SQLITE_OK) fail();
    sqlite3_busy_timeout(raw, options.busy_timeout_ms);
    // A damaged or hostile file must not make SQLite run its functions or let SQL rewrite the schema table.
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    script("PRAGMA journal_mode = WAL");
    script("PRAGMA foreign_keys = ON");
    script(options.synchronous_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    if (read_only_) script("PRAGMA query_only = ON");
}

sqlite_connection::~sqlite_connection() = default;

void sqlite_connection::fail() const {
    if (!db_) throw std::bad_alloc();
    throw failure({code_of(db_.get()), std::string("SQLite: ") + sqlite3_errmsg(db_.get())});
}

sqlite3_stmt* sqlite_connection::prepare(std::string_view sql) {
    const std::string key(sql);
    if (const auto found = statements_.find(key); found != statements_.end()) return found->second.get();
    // No statement is in use here: run() reads all rows of one before it returns.
    if (statements_.size() >= cached_statements_max) statements_.clear();
    const auto text = to_sqlite(sql);
    sqlite3_stmt* raw = nullptr;
    const char* tail = nullptr;
    if (sqlite3_prepare_v3(db_.get(), text.data(), static_cast<int>(text.size()), SQLITE_PREPARE_PERSISTENT, &raw,
                           &tail) != SQLITE_OK)
        fail();
    statement made(raw);
    const std::string_view rest(tail, static_cast<std::size_t>(text.data() + text.size() - tail));
    if (!made || rest.find_first_not_of(" \n\t;") != std::string_view::npos)
        throw std::logic_error("query() and execute() take one statement");
    return statements_.emplace(key, std::move(made)).first->second.get();
}

void sqlite_connection::bind(sqlite3_stmt* s, const parameters& params) const {
    if (static_cast<std::size_t>(sqlite3_bind_parameter_count(s)) != params.size())
        throw std::logic_error("the statement has another number of parameters than were given");
    for (const auto& [name, given] : params) {
        const int index = sqlite3_bind_parameter_index(s, (':' + std::string(name)).c_str());
        if (index == 0) throw std::logic_error("the statement has no parameter :" + std::string(name));
        int bound = SQLITE_OK;
        // Static: the values outlive the statement's use, which ends with run().
        if (const auto* number = std::get_if<std::int64_t>(&given)) {
            bound = sqlite3_bind_int64(s, index, *number);
        } else if (const auto* text = std::get_if<std::string>(&given)) {
            bound = sqlite3_bind_text64(s, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
        } else if (const auto* bytes = std::get_if<blob>(&given)) {
            bound = sqlite3_bind_blob64(s, index, bytes->bytes.data(), bytes->bytes.size(), SQLITE_STATIC);
        }
        if (bound != SQLITE_OK) fail();
    }
}

std::vector<row> sqlite_connection::run(std::string_view sql, const parameters& params) {
    auto* s = prepare(sql);
    const use in_use(s);
    bind(s, params);
    std::vector<row> rows;
    std::shared_ptr<const std::vector<std::string>> columns;
    int stepped = SQLITE_OK;
    while ((stepped = sqlite3_step(s)) == SQLITE_ROW) {
        const int width = sqlite3_column_count(s);
        if (!columns) {
            std::vector<std::string> names;
            for (int i = 0; i < width; ++i) names.emplace_back(sqlite3_column_name(s, i));
            columns = std::make_shared<const std::vector<std::string>>(std::move(names));
        }
        std::vector<value> values;
        for (int i = 0; i < width; ++i) values.push_back(value_of(s, i));
        rows.emplace_back(columns, std::move(values));
    }
    if (stepped != SQLITE_DONE) fail();
    return rows;
}

std::vector<row> sqlite_connection::query(std::string_view sql, const parameters& params) { return run(sql, params); }

std::int64_t sqlite_connection::execute(std::string_view sql, const parameters& params) {
    // sqlite3_changes keeps the figure of the statement before when this one changes no rows at all, e.g. a CREATE.
    const auto before = sqlite3_total_changes64(db_.get());
    run(sql, params);
    return sqlite3_total_changes64(db_.get()) == before ? 0 : sqlite3_changes64(db_.get());
}

void sqlite_connection::script(std::string_view sql) {
    const auto text = to_sqlite(sql);
    if (sqlite3_exec(db_.get(), text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

void sqlite_connection::begin() { run(read_only_ ? "BEGIN" : "BEGIN IMMEDIATE", {}); }

void sqlite_connection::commit() {
    try {
        run("COMMIT", {});
    } catch (const failure& f) {
        const bool io_error = (sqlite3_extended_errcode(db_.get()) & 0xff) == SQLITE_IOERR;
        rollback();
        // The disk may have the commit record although it reported an error.
        if (io_error && f.error().code == db_errc::unavailable) throw failure({db_errc::unknown, f.error().message});
        throw;
    }
}

void sqlite_connection::rollback() noexcept {
    // Some errors, a full disk for one, have rolled back already.
    if (sqlite3_get_autocommit(db_.get()) != 0) return;
    sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace common::db
