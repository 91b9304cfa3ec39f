#include "agent/events/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "agent/events/event_rows.hpp"
#include "agent/events/schema.hpp"
#include "common/crypto/random.hpp"
#include "common/db/sqlite_database.hpp"

namespace agent::events {

namespace fs = std::filesystem;
using common::db::connection;
using common::db::db_errc;
using common::db::db_error;

namespace {

constexpr std::size_t log_id_length = 20;
// A whole check reads the whole file; above this only what is used shows damage.
constexpr std::uintmax_t check_bytes_max = 64u << 20;

// A copy or a restored file has another inode or birth time; in-place overwriting is what log.mark is for.
std::string file_identity(const fs::path& file) {
    struct statx found{};
    if (::statx(AT_FDCWD, file.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &found) != 0) return {};
    return fmt::format("{}:{}.{}", found.stx_ino, found.stx_btime.tv_sec, found.stx_btime.tv_nsec);
}

void damage_if_unsound(connection& c, bool& sound) {
    const auto rows = c.query("PRAGMA quick_check(1)");
    sound = rows.size() == 1 && rows.front().text("quick_check") == "ok";
}

// The id that the file carries, or a new one where it was not written by the run that last used it.
std::string settle_log_id(connection& c, const std::string& identity, std::int64_t last, const log_mark& mark) {
    const auto known = find_meta(c, "log_id");
    const bool same = known && find_meta(c, "file_identity").value_or("") == identity && mark.read(*known) <= last;
    if (same) return *known;
    std::string id = common::crypto::random_token(log_id_length);
    set_meta(c, "log_id", id);
    set_meta(c, "file_identity", identity);
    return id;
}

std::expected<log_files, db_error> try_open(const fs::path& directory) {
    const fs::path file = directory / "log.db";
    std::error_code ignored;
    const bool check = fs::file_size(file, ignored) <= check_bytes_max;

    auto writing = common::db::sqlite_database::open(file.string(), {});
    if (!writing) return std::unexpected(std::move(writing.error()));
    if (check) {
        bool sound = false;
        const auto checked = (*writing)->transaction([&sound](connection& c) { damage_if_unsound(c, sound); });
        if (!checked) return std::unexpected(checked.error());
        if (!sound) return std::unexpected(db_error{db_errc::corrupt, "quick_check found damage"});
    }
    if (auto failed = (*writing)->migrate("log", log_migrations())) return std::unexpected(std::move(*failed));

    log_mark mark(directory / "log.mark");
    const std::string identity = file_identity(file);
    auto state = (*writing)->transaction([&](connection& c) {
        const std::int64_t last = last_event_seq(c);
        return std::make_pair(last, settle_log_id(c, identity, last, mark));
    });
    if (!state) return std::unexpected(std::move(state.error()));
    auto reading = common::db::sqlite_database::open(file.string(), {.read_only = true});
    if (!reading) return std::unexpected(std::move(reading.error()));
    mark.write(state->second, state->first);
    return log_files{.directory = directory,
                     .writing = std::move(*writing),
                     .reading = std::move(*reading),
                     .mark = std::move(mark),
                     .log_id = std::move(state->second),
                     .last_seq = state->first,
                     .trouble = {}};
}

proto::error explain(const db_error& e, const fs::path& file) {
    const std::string where = file.string();
    switch (e.code) {
        case db_errc::full:
            return {proto::error_code::resource_exhausted,
                    fmt::format("The log {} cannot be opened because its disk is full.", where),
                    "Free some space and start the agent again.",
                    {}};
        case db_errc::unavailable:
            return {proto::error_code::internal,
                    fmt::format("The log {} is in use by another program or cannot be reached.", where),
                    "Is another agent running on this directory? End it, then start again.",
                    {}};
        default:
            return {proto::error_code::internal,
                    fmt::format("The log {} cannot be opened: {}.", where, e.message),
                    "Check that the directory belongs to this user and that this program is not older than its data.",
                    {}};
    }
}

// The name that the damaged file has now; empty if it could not be moved.
std::string set_aside(const fs::path& directory) {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    for (int attempt = 0; attempt < 100; ++attempt) {
        const std::string name =
            fmt::format("log.db.damaged-{}{}", now.count(), attempt ? fmt::format("-{}", attempt) : "");
        if (fs::exists(fs::symlink_status(directory / name))) continue;
        std::error_code failed;
        fs::rename(directory / "log.db", directory / name, failed);
        if (failed) return {};
        // The write-ahead log belongs to that file: beside a new one SQLite could take it for its own.
        for (const char* suffix : {"-wal", "-shm"})
            fs::rename(directory / (std::string("log.db") + suffix), directory / (name + suffix), failed);
        fs::remove(directory / "log.damaged", failed);
        return name;
    }
    return {};
}

}  // namespace

log_mark::log_mark(const fs::path& file)
    : descriptor_(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600)) {}

log_mark::~log_mark() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

log_mark::log_mark(log_mark&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

log_mark& log_mark::operator=(log_mark&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

std::int64_t log_mark::read(const std::string& log_id) const {
    std::array<char, 64> text{};
    if (descriptor_ < 0) return 0;
    const auto got = ::pread(descriptor_, text.data(), text.size() - 1, 0);
    if (got <= 0) return 0;
    const std::string_view line(text.data(), static_cast<std::size_t>(got));
    if (!line.starts_with(log_id + " ")) return 0;
    return std::strtoll(text.data() + log_id.size() + 1, nullptr, 10);
}

void log_mark::write(const std::string& log_id, std::int64_t seq) {
    // Always of one length, so that a shorter line never leaves digits of the one before.
    const std::string line = fmt::format("{} {:020}\n", log_id, seq);
    if (descriptor_ >= 0) [[maybe_unused]]
        const auto best_effort = ::pwrite(descriptor_, line.data(), line.size(), 0);
}

proto::result<log_files> open_files(const fs::path& directory) {
    std::error_code failed;
    if (fs::create_directories(directory, failed)) fs::permissions(directory, fs::perms::owner_all, failed);
    const fs::path file = directory / "log.db";
    std::string trouble;
    for (int attempt = 0; attempt < 2; ++attempt) {
        const bool noted = fs::exists(directory / "log.damaged", failed);
        auto files =
            noted ? std::unexpected(db_error{db_errc::corrupt, "damage was found while running"}) : try_open(directory);
        if (files) {
            files->trouble = std::move(trouble);
            return std::move(*files);
        }
        if (files.error().code != db_errc::corrupt) return std::unexpected(explain(files.error(), file));
        const std::string name = set_aside(directory);
        if (name.empty()) return std::unexpected(explain(files.error(), file));
        trouble = fmt::format(
            "The log was damaged and a new one was begun. The damaged file is kept as {}; its events "
            "are no longer shown.",
            (directory / name).string());
    }
    return proto::fail(proto::error_code::internal,
                       fmt::format("The log {} was damaged, and so is the new one.", file.string()),
                       "Check the disk of this directory.");
}

void note_damage(const fs::path& directory) {
    const int descriptor =
        ::open((directory / "log.damaged").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor >= 0) ::close(descriptor);
}

}  // namespace agent::events
