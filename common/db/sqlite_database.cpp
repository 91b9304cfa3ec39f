#include "common/db/sqlite_database.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/db/failure.hpp"
#include "common/db/migrations.hpp"
#include "common/db/sqlite_connection.hpp"

namespace common::db {

namespace {

// SQLite gives its -wal and -shm files the mode of the main one. An existing file is not opened here: closing it would
// drop this process's POSIX locks on it, also those of another connection.
std::optional<db_error> make_private(const std::string& path) {
    const auto failed = [&](const char* what) {
        const auto code = errno == ENOSPC || errno == EDQUOT ? db_errc::full : db_errc::unavailable;
        return db_error{code, "The database file " + path + what + ": " + std::strerror(errno) + "."};
    };
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        ::close(fd);
        return std::nullopt;
    }
    if (errno != EEXIST) return failed(" cannot be made");
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return failed(" cannot be examined");
    if ((info.st_mode & 077) != 0 && ::chmod(path.c_str(), 0600) != 0) return failed(" cannot be made private");
    return std::nullopt;
}

}  // namespace

sqlite_database::sqlite_database(std::unique_ptr<sqlite_connection> c) : connection_(std::move(c)) {}
sqlite_database::~sqlite_database() = default;

std::expected<std::unique_ptr<database>, db_error> sqlite_database::open(const std::string& path,
                                                                         const open_options& options) {
    if (auto e = make_private(path)) return std::unexpected(std::move(*e));
    try {
        auto c = std::make_unique<sqlite_connection>(path, options);
        return std::unique_ptr<database>(new sqlite_database(std::move(c)));
    } catch (const failure& f) {
        return std::unexpected(
            db_error{f.error().code, "The database file " + path + " cannot be used. " + f.error().message + "."});
    }
}

std::optional<db_error> sqlite_database::run(const std::function<void(connection&)>& body) {
    const std::lock_guard lock(mutex_);
    try {
        connection_->begin();
        body(*connection_);
        connection_->commit();
        return std::nullopt;
    } catch (const failure& f) {
        connection_->rollback();
        return f.error();
    } catch (...) {
        connection_->rollback();
        throw;
    }
}

std::optional<db_error> sqlite_database::migrate(std::string_view name, std::span<const migration> migrations) {
    return run([&](connection& c) {
        apply_migrations(c, [this](std::string_view sql) { connection_->script(sql); }, name, migrations);
    });
}

}  // namespace common::db
