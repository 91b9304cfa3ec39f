#include "common/db/postgres_database.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <pqxx/pqxx>

#include "common/db/failure.hpp"
#include "common/db/migrations.hpp"
#include "common/db/postgres_connection.hpp"

namespace common::db {

namespace {

constexpr int attempts_max = 12;
constexpr int pause_ms_max = 64;
// Any number that no other program of the database uses: two hubs that start together migrate one after the other.
constexpr std::int64_t migration_lock = 0x636f64657a;

// libpq's own defaults wait for minutes on a host that does not answer. What the URL says itself comes last and wins.
std::string with_timeouts(const std::string& url) {
    constexpr std::string_view defaults = "application_name=codez&connect_timeout=5&tcp_user_timeout=10000";
    const auto question = url.find('?');
    if (question == std::string::npos) return fmt::format("{}?{}", url, defaults);
    return fmt::format("{}?{}&{}", url.substr(0, question), defaults, url.substr(question + 1));
}

void replace_all(std::string& text, const std::string& what, std::string_view by) {
    for (auto found = text.find(what); found != std::string::npos; found = text.find(what, found + by.size()))
        text.replace(found, what.size(), by);
}

// libpq quotes a malformed URL in its message.
std::string without_password(std::string message, const std::string& url) {
    replace_all(message, url, "(the URL)");
    const auto begin = url.find("://") + 3;
    const auto colon = url.find(':', begin);
    const auto at = url.find('@', begin);
    if (at != std::string::npos && colon + 1 < at) replace_all(message, url.substr(colon + 1, at - colon - 1), "***");
    return message;
}

// The error codes are in the appendix "PostgreSQL Error Codes" of its manual.
db_errc code_of(std::string_view state) {
    if (state == "23505") return db_errc::already_exists;
    if (state == "53100") return db_errc::full;
    if (state.starts_with("XX")) return db_errc::corrupt;
    // Connection, resources, operator intervention, system error, a lock or a statement that took too long, read-only.
    if (state.starts_with("08") || state.starts_with("53") || state.starts_with("57") || state.starts_with("58") ||
        state == "55P03" || state == "25P03" || state == "25006")
        return db_errc::unavailable;
    return db_errc::failed;
}

bool is_conflict(std::string_view state) { return state == "40001" || state == "40P01"; }

void pause_before(int attempt) {
    std::minstd_rand random(std::random_device{}());
    const int longest = std::min(1 << attempt, pause_ms_max);
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int>(1, longest)(random)));
}

}  // namespace

// libpqxx prints warnings on stderr unless a handler swallows them; errors come as exceptions as well.
class postgres_session {
public:
    explicit postgres_session(const std::string& url) : connection(url), quiet_(connection) {}
    pqxx::connection connection;

private:
    pqxx::quiet_errorhandler quiet_;
};

postgres_database::postgres_database(std::string url, const open_options& options)
    : url_(std::move(url)), options_(options) {}

postgres_database::~postgres_database() = default;

std::expected<std::unique_ptr<database>, db_error> postgres_database::open(const std::string& url,
                                                                           const open_options& options) {
    std::unique_ptr<postgres_database> made(new postgres_database(with_timeouts(url), options));
    if (auto e = made->run([](connection&) {})) return std::unexpected(std::move(*e));
    return std::unique_ptr<database>(std::move(made));
}

void postgres_database::connect() {
    auto fresh = std::make_unique<postgres_session>(url_);
    auto& c = fresh->connection;
    // Through libpqxx, which sets them again when it reconnects by itself. A job on the blocking pool cannot be cancelled,
    // so the server bounds it.
    c.set_variable("client_encoding", "'UTF8'");
    c.set_variable("lock_timeout", std::to_string(options_.busy_timeout_ms));
    c.set_variable("statement_timeout", "30000");
    c.set_variable("idle_in_transaction_session_timeout", "60000");
    session_ = std::move(fresh);
}

postgres_database::attempt postgres_database::try_once(const std::function<void(connection&)>& body) {
    using again = attempt::again;
    const auto failed = [this](db_errc code, const std::exception& e, again retry) {
        return attempt{db_error{code, without_password(std::string("PostgreSQL: ") + e.what(), url_)}, retry};
    };
    try {
        if (!session_ || !session_->connection.is_open()) connect();
    } catch (const pqxx::failure& e) {
        return failed(db_errc::unavailable, e, again::no);
    }
    try {
        pqxx::transaction<pqxx::isolation_level::serializable> transaction(session_->connection);
        postgres_connection c(transaction);
        body(c);
        transaction.commit();
        return {};
    } catch (const failure& f) {
        return {f.error(), again::no};
    } catch (const pqxx::in_doubt_error& e) {
        session_.reset();
        return failed(db_errc::unknown, e, again::no);
    } catch (const pqxx::statement_completion_unknown& e) {
        session_.reset();
        return failed(db_errc::unknown, e, again::no);
    } catch (const pqxx::transaction_rollback& e) {
        return failed(db_errc::unavailable, e, again::after_a_pause);
    } catch (const pqxx::sql_error& e) {
        if (is_conflict(e.sqlstate())) return failed(db_errc::unavailable, e, again::after_a_pause);
        if (session_->connection.is_open()) return failed(code_of(e.sqlstate()), e, again::no);
        session_.reset();
        return failed(db_errc::unavailable, e, again::with_a_new_connection);
    } catch (const pqxx::failure& e) {
        // Broken before COMMIT was sent: the server rolls back.
        session_.reset();
        return failed(db_errc::unavailable, e, again::with_a_new_connection);
    }
}

std::optional<db_error> postgres_database::run_locked(const std::function<void(connection&)>& body) {
    bool reconnected = false;
    attempt last;
    for (int i = 0; i < attempts_max; ++i) {
        last = try_once(body);
        if (last.retry == attempt::again::no) break;
        if (last.retry == attempt::again::after_a_pause) {
            pause_before(i);
        } else if (std::exchange(reconnected, true)) {
            break;
        }
    }
    return std::move(last.error);
}

std::optional<db_error> postgres_database::run(const std::function<void(connection&)>& body) {
    const std::lock_guard lock(mutex_);
    return run_locked(body);
}

std::optional<db_error> postgres_database::migrate(std::string_view name, std::span<const migration> migrations) {
    const std::lock_guard lock(mutex_);
    // The lock is taken in a transaction of its own: taken inside, it would come after the snapshot, and the tables that
    // the other program has just made would be invisible.
    if (auto e = run_locked([](connection& c) {
            c.query("SELECT pg_advisory_lock(CAST(:key AS INTEGER)) AS locked", {{"key", migration_lock}});
        }))
        return e;
    auto result = run_locked([&](connection& c) {
        const auto script = [&c](std::string_view sql) { static_cast<postgres_connection&>(c).script(sql); };
        apply_migrations(c, script, name, migrations);
    });
    const auto unlocked = run_locked([](connection& c) {
        c.query("SELECT pg_advisory_unlock(CAST(:key AS INTEGER)) AS unlocked", {{"key", migration_lock}});
    });
    // The lock dies with its connection.
    if (unlocked) session_.reset();
    return result;
}

}  // namespace common::db
