// Holders that the log does not name as those of live sessions. Where the log was lost (damaged and set aside) their
// sessions are taken in again from what the processes themselves tell; what was said before is in the transcript. Sessions
// without a process need nothing: they are found in their transcripts.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "agent/claude/transcript.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/session_engine.hpp"
#include "agent/session/stored_session.hpp"
#include "agent/session/uuid.hpp"

namespace agent::session {
namespace asio = boost::asio;
namespace fs = std::filesystem;
using common::db::connection;

namespace {

constexpr std::size_t holders_max = 1024;  // more is not a machine's doing

std::vector<std::string> arguments_of(int pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::vector<std::string> out;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\0', begin), text.size());
        out.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

std::string option(const std::vector<std::string>& arguments, std::string_view name) {
    for (const auto& each : arguments)
        if (each.starts_with(name) && each.size() > name.size() && each[name.size()] == '=')
            return each.substr(name.size() + 1);
    return {};
}

// Where the spool begins: what was stored is deleted from its front. Its files are named by their offset.
std::uint64_t spool_begin(const fs::path& directory) {
    std::optional<std::uint64_t> first;
    std::error_code ec;
    for (fs::directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec)) {
        const std::string name = it->path().filename().string();
        std::uint64_t offset = 0;
        if (!name.starts_with("spool-")) continue;
        const auto [last, error] = std::from_chars(name.data() + 6, name.data() + name.size(), offset, 16);
        if (error == std::errc() && last == name.data() + name.size()) first = std::min(first.value_or(offset), offset);
    }
    return first.value_or(0);
}

// Of a claude that runs; nothing if it cannot be told any more.
std::optional<events::session_row> row_of(const std::string& id, const fs::path& directory, int claude_pid,
                                          const claude::variables& environment) {
    std::error_code ec;
    const fs::path cwd = fs::read_symlink("/proc/" + std::to_string(claude_pid) + "/cwd", ec);
    const auto arguments = arguments_of(claude_pid);
    const std::string mode = option(arguments, "--permission-mode");
    const bool runs_it = std::ranges::any_of(arguments, [&id](const auto& each) { return each.ends_with(id); });
    if (claude_pid <= 0 || ec || !cwd.is_absolute() || mode.empty() || !runs_it) return std::nullopt;
    events::session_row row;
    row.id = id;
    row.cwd = cwd.string();
    row.slug = claude::project_slug(row.cwd);
    row.model = option(arguments, "--model");
    row.permission_mode = mode;
    row.include_partial = std::ranges::find(arguments, "--include-partial-messages") != arguments.end();
    row.created_at = row.updated_at = session_services::now_ms();
    row.status = events::session_status::live;
    row.holder_directory = directory.string();
    if (const auto transcript = claude::find_transcript(environment, row.cwd, id))
        if (const auto size = fs::file_size(*transcript, ec); !ec)
            row.transcript_base_offset = static_cast<std::int64_t>(size);
    return row;
}

// Of no use any more: ends it, and waits until its files are gone.
asio::awaitable<void> let_go(std::shared_ptr<hold::client> client, std::chrono::milliseconds grace) {
    client->end(grace);
    for (;;) {
        const auto line = co_await client->next_line();
        if (line) continue;
        if (line.error().code == hold::hold_errc::ended) co_await client->release();
        co_return;
    }
}

}  // namespace

asio::awaitable<void> session_engine::recover_unknown_holders(std::set<std::string> known) {
    std::vector<fs::path> found;
    std::error_code ec;
    for (fs::directory_iterator it(services_.options.state_directory / "holders", ec), end;
         !ec && it != end && found.size() < holders_max; it.increment(ec))
        if (!known.contains(it->path().string()) && is_uuid(it->path().stem().string())) found.push_back(it->path());
    for (const auto& directory : found) co_await recover_unknown(directory);
}

asio::awaitable<void> session_engine::recover_unknown(fs::path directory) {
    const std::string id = directory.stem().string();
    const auto known = co_await load_session(services_.log, id);
    if (!known) co_return;  // the log's trouble is told; the next start looks again
    const auto& holders = services_.options.holders;
    // What is in the spool is in the transcript too: told once, from there.
    std::uint64_t offset = spool_begin(directory);
    if (const auto lines = holders.read_orphaned_spool(directory, offset); !lines.empty())
        offset = lines.back().end_offset;
    auto attached = co_await holders.attach(services_.executor, directory, offset);
    if (!attached && attached.error().code == hold::hold_errc::gone) {
        if (!known->row || known->row->status != events::session_status::live) holders.end_leftovers(id);
        std::error_code ignored;
        fs::remove_all(directory, ignored);
        co_return;
    }
    if (!attached) {
        recovery_troubles_[id] = "A holder of session " + id + " cannot be reached: " + attached.error().message;
        co_return;
    }
    auto row = row_of(id, directory, (*attached)->claude_pid(), services_.options.environment);
    // Its end was stored, but the agent died before it let the holder go; or its claude is over and in the transcript.
    if (known->row || !row) {
        tasks_.spawn(let_go(std::shared_ptr<hold::client>(std::move(*attached)), services_.options.end_grace));
        co_return;
    }
    co_await take_in(std::move(*row), offset, std::move(*attached));
}

asio::awaitable<void> session_engine::take_in(events::session_row row, std::uint64_t offset,
                                              std::unique_ptr<hold::client> holder) {
    const std::string id = row.id;
    json options = json::object();
    const auto arguments = arguments_of(holder->claude_pid());
    if (std::ranges::find(arguments, "--no-session-persistence") != arguments.end()) options["persist_session"] = false;
    const auto kept = co_await services_.log.run([id, options](connection& c) {
        if (!options.empty()) save_options(c, id, start_options{dump(options), false});
    });
    if (!kept) co_return;
    row.spool_offset = static_cast<std::int64_t>(offset);
    turn_memory memory;
    memory.asked_model = row.model;
    memory.asked_mode = row.permission_mode;
    const std::string generation = fs::path(row.holder_directory).extension().string();
    if (generation.size() > 1)
        std::from_chars(generation.data() + 1, generation.data() + generation.size(), memory.generation);
    const auto live = std::make_shared<live_session>(services_, std::move(row), std::move(memory), std::move(holder),
                                                     std::move(options));
    live->start_unknown();
    const auto told = co_await live->announce();
    if (!told) co_return;  // its holder goes on, and the next start finds it
    adopt(live);
    tell_repair("session.taken_in", "Session " + id + " runs, but the log did not know of it: it was taken in again.");
}

}  // namespace agent::session
