// Starting claude for a session.
#include <filesystem>
#include <utility>

#include "agent/claude/json_access.hpp"
#include "agent/claude/launch.hpp"
#include "agent/claude/locate.hpp"
#include "agent/claude/start_options.hpp"
#include "agent/claude/transcript.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/session_engine.hpp"
#include "agent/session/settings_file.hpp"
#include "agent/uploads/attachments.hpp"

namespace agent::session {
namespace asio = boost::asio;
namespace fs = std::filesystem;
using common::db::connection;
using proto::error_code;
using proto::fail;

namespace {

proto::error spawn_error(const hold::hold_error& e, const std::string& session_id) {
    proto::error out;
    out.code = error_code::internal;
    if (e.code == hold::hold_errc::locked) {
        out.code = error_code::session_busy;
        out.message = "Another process on this machine runs session " + session_id + ".";
        out.hint = "End it there, or wait until it is over; the session can then be resumed.";
        return out;
    }
    out.message = "Claude Code could not be started: " + e.message;
    out.hint = "Run `claude -p hello` in that directory on the machine to see whether it starts there.";
    return out;
}

// `rules`: the machine's, {"permissions":{"deny":[…],"ask":[…]}} as text, or empty.
void add_rules(json& settings, const std::string& rules) {
    if (rules.empty()) return;
    json& permissions = settings["permissions"];
    if (!permissions.is_object()) permissions = json::object();
    for (const auto& [action, list] : json::parse(rules)["permissions"].items()) {
        json& present = permissions[action];
        if (!present.is_array()) present = json::array();
        present.insert(present.end(), list.begin(), list.end());
    }
}

}  // namespace

session_engine::reservation::reservation(session_engine& engine, std::string session_id, claim what)
    : engine_(engine), session_id_(std::move(session_id)) {
    engine_.starting_.emplace(session_id_, what);
}

session_engine::reservation::~reservation() {
    engine_.starting_.erase(session_id_);
    engine_.services_.tell_changed();
}

void session_engine::tell_repair(std::string action, std::string details) const {
    if (services_.options.on_repair) services_.options.on_repair(std::move(action), std::move(details));
}

bool session_engine::hidden(const std::string& session_id) const {
    const auto found = starting_.find(session_id);
    return found != starting_.end() && found->second == claim::create;
}

session_engine::live_ptr session_engine::find_live(const std::string& session_id) const {
    const auto found = live_.find(session_id);
    return found == live_.end() || found->second->over() || hidden(session_id) ? nullptr : found->second;
}

void session_engine::drop_ended() {
    std::erase_if(live_, [](const auto& entry) { return entry.second->over(); });
}

proto::result<fs::path> session_engine::program() {
    // Looked for again while it is missing: it may have been installed meanwhile.
    std::error_code ec;
    if (!program_ || !fs::exists(*program_, ec))
        program_ = claude::locate(services_.options.claude_path, services_.options.environment);
    return program_;
}

session_engine::task<void> session_engine::store(events::session_row row, turn_memory memory) {
    auto kept = std::make_shared<std::pair<events::session_row, std::string>>(std::move(row), to_json(memory));
    co_return co_await services_.log.run([kept](connection& c) {
        events::save_session(c, kept->first);
        save_memory(c, kept->first.id, kept->second);
    });
}

session_engine::task<session_engine::start_values> session_engine::stored_options(std::string session_id) {
    const auto found = std::make_shared<std::pair<std::string, fork_origin>>();
    const auto looked = co_await services_.log.run([found, id = std::move(session_id)](connection& c) {
        found->first = find_options(c, id).values;
        found->second = find_origin(c, id);
    });
    if (!looked) co_return std::unexpected(looked.error());
    start_values out{json::parse(found->first, nullptr, false), found->second};
    if (!out.options.is_object()) co_return fail(error_code::internal, "The session's options cannot be read.");
    co_return out;
}

void session_engine::adopt(const live_ptr& live) {
    live_[live->row().id] = live;
    live->run(tasks_);
}

session_engine::task<session_engine::live_ptr> session_engine::launch(events::session_row row, turn_memory memory,
                                                                      int depth) {
    const auto stored_values = co_await stored_options(row.id);
    if (!stored_values) co_return std::unexpected(stored_values.error());
    const json& options = stored_values->options;
    const auto chosen = claude::text_of(options, "executable");
    const auto found = chosen.empty() ? program() : claude::locate(chosen, services_.options.environment);
    if (!found) co_return std::unexpected(found.error());
    std::error_code ec;
    if (!fs::is_directory(row.cwd, ec))
        co_return fail(error_code::invalid_argument, "The session's directory is not there any more: " + row.cwd + ".",
                       "Make it again, or create a session elsewhere.");
    auto variables = services_.options.environment;
    if (const auto& more = services_.options.claude_variables) {
        auto read = more();
        if (!read)
            co_return fail(error_code::internal, "Claude Code was not started: " + read.error(),
                           "Correct the file on the machine, then try again.");
        for (auto& [name, value] : *read) variables[name] = std::move(value);
    }
    ++memory.generation;
    const fs::path holders = services_.options.state_directory / "holders";
    const fs::path locks = services_.options.state_directory / "locks";
    for (const auto& directory : {holders, locks}) {
        fs::create_directories(directory, ec);
        fs::permissions(directory, fs::perms::owner_all, ec);
    }
    if (memory.generation > 1 && !claude::keeps_transcript(options))
        co_return fail(error_code::not_found,
                       "Session " + row.id + " was made with persist_session false: it ended with its process.",
                       "Create a new session.");
    const events::session_row before = row;
    row.holder_directory = (holders / (row.id + "." + std::to_string(memory.generation))).string();
    row.spool_offset = 0;
    row.status = events::session_status::live;

    claude::launch what;
    what.program = *found;
    what.session_id = row.id;
    what.resume = claude::find_transcript(services_.options.environment, row.cwd, row.id).has_value();
    what.fork_of = stored_values->origin.session_id;
    what.fork_at = stored_values->origin.message;
    what.model = memory.asked_model;
    what.permission_mode = memory.asked_mode.empty() ? "default" : memory.asked_mode;
    if (const auto& allowed = services_.options.permission_mode_for)
        what.permission_mode = allowed(what.permission_mode);
    what.include_partial_messages = row.include_partial;
    what.setting_sources = services_.options.setting_sources;
    if (const auto* sources = claude::member(options, "setting_sources")) sources->get_to(what.setting_sources);
    what.settings = services_.options.tool_rules.claude_settings();
    if (json settings = claude::option_settings(options); !settings.is_null()) {
        // claude takes one: the machine's rules go in with those that the session was given.
        add_rules(settings, std::exchange(what.settings, {}));
        auto file = write_settings_file(services_.options.state_directory, row.id, settings);
        if (!file) co_return std::unexpected(std::move(file.error()));
        what.settings_file = std::move(*file);
    }
    what.options = options;
    what.readable = uploads::attachments_directory(services_.options.state_directory, row.id);
    what.depth = depth;
    hold::spawn_spec spec;
    spec.session_id = row.id;
    spec.directory = row.holder_directory;
    spec.lock_file = locks / (row.id + ".lock");
    spec.argv = claude::arguments(what);
    spec.env = claude::environment(what, variables);
    spec.cwd = row.cwd;
    spec.spool_segment_bytes = services_.options.spool_segment_bytes;

    // Stored before it exists: a holder that nobody knows of could never be found again.
    const auto stored = co_await store(row, memory);
    if (!stored) co_return std::unexpected(stored.error());
    // What a holder that was killed left running would write to the same conversation.
    if (const int ended = services_.options.holders.end_leftovers(row.id); ended > 0)
        tell_repair("session.leftovers_ended", "Processes that an earlier claude of session " + row.id +
                                                   " left behind were ended: " + std::to_string(ended) + ".");
    auto client =
        co_await services_.options.holders.spawn(services_.executor, services_.options.codez_binary, std::move(spec));
    if (!client) {
        const bool announced = memory.announced;
        const auto undone = co_await services_.log.run([before, announced](connection& c) {
            if (announced)
                events::save_session(c, before);
            else
                remove_session(c, before.id);
        });
        std::ignore = undone;  // the next start finds no holder in its place and comes to the same
        co_return std::unexpected(spawn_error(client.error(), row.id));
    }
    const auto live =
        std::make_shared<live_session>(services_, std::move(row), std::move(memory), std::move(*client), options);
    adopt(live);
    const auto ready = co_await live->until_ready();
    registry_changed();  // its directory is there now
    if (!ready) {
        drop_ended();
        co_return std::unexpected(ready.error());
    }
    co_return live;
}

session_engine::task<session_engine::live_ptr> session_engine::resume(std::string session_id, int depth) {
    // Several prompts may come for a session that is idle: one starts it, the others wait for that.
    const auto deadline = std::chrono::steady_clock::now() + services_.options.start_timeout;
    while (starting_.contains(session_id) && std::chrono::steady_clock::now() < deadline && !services_.stopping)
        co_await services_.changed.wait_until(deadline);
    if (const live_ptr live = find_live(session_id)) co_return live;
    read_registry();
    if (auto conflict = opened_elsewhere(session_id)) co_return std::unexpected(std::move(*conflict));
    drop_ended();
    if (starting_.contains(session_id)) co_return std::unexpected(starting(session_id));
    if (!waiting_.empty()) co_return live_ptr();  // who came first is first
    const reservation place(*this, session_id, claim::resume);

    auto row = std::make_shared<std::optional<events::session_row>>();
    auto memory = std::make_shared<std::string>();
    const auto looked = co_await services_.log.run([=, id = session_id](connection& c) {
        *row = events::find_session(c, id);
        *memory = find_memory(c, id);
    });
    if (!looked) co_return std::unexpected(looked.error());
    if (!*row)
        co_return fail(error_code::not_found, "This machine has no session " + session_id + ".",
                       "list_sessions shows those that it has.");
    if ((*row)->status == events::session_status::live) co_return std::unexpected(unreachable(session_id));
    const bool room = co_await make_room();
    if (!room) co_return live_ptr();
    const auto live = co_await launch(**row, memory_from_json(*memory), depth);
    if (!live) co_return std::unexpected(live.error());
    const auto told = co_await (*live)->tell_started();
    if (!told) co_return std::unexpected(told.error());
    co_return *live;
}

asio::awaitable<void> session_engine::stop() {
    services_.stopping = true;
    services_.tell_changed();
    co_await tasks_.shutdown(std::chrono::milliseconds(0), std::chrono::seconds(2));
    live_.clear();
}

}  // namespace agent::session
