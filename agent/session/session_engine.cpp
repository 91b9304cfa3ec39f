// The commands: create, send, abort, dispose.
#include "agent/session/session_engine.hpp"

#include <filesystem>
#include <utility>

#include "agent/claude/launch.hpp"
#include "agent/claude/start_options.hpp"
#include "agent/claude/transcript.hpp"
#include "agent/events/prompt_rows.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/uuid.hpp"
#include "proto/limits.hpp"

namespace agent::session {
namespace asio = boost::asio;
namespace fs = std::filesystem;
using common::db::connection;
using proto::error_code;
using proto::fail;

namespace {

bool is_utf8(const std::string& text) {
    // nlohmann checks while it writes, and tells by an exception only.
    try {
        std::ignore = json(text).dump();
        return true;
    } catch (const json::type_error&) {
        return false;
    }
}

proto::result<void> check(const create_request& request) {
    if (request.cwd.empty() || request.cwd.front() != '/')
        return fail(error_code::invalid_argument, "cwd must be an absolute path.");
    std::error_code ec;
    if (!fs::is_directory(request.cwd, ec))
        return fail(error_code::invalid_argument,
                    "cwd is not a directory on this machine: " + bounded_text(request.cwd, 512) + ".",
                    "Make it there, or choose another.");
    if (!claude::is_permission_mode(request.permission_mode))
        return fail(error_code::invalid_argument,
                    "permission_mode must be default, acceptEdits, plan, dontAsk or auto, not \"" +
                        bounded_text(request.permission_mode, 64) + "\".");
    if (request.permission_mode == "bypassPermissions" && !request.allow_bypass)
        return fail(error_code::policy_denied,
                    "permission_mode bypassPermissions can be chosen on the machine itself only.",
                    "Use acceptEdits or auto.");
    if (!request.session_id.empty() && !is_uuid(request.session_id))
        return fail(error_code::invalid_argument, "session_id must be a UUID in lower case.");
    if (request.title.size() > proto::limits::title_bytes_max || request.model.size() > proto::limits::name_bytes_max)
        return fail(error_code::invalid_argument, "title may have 120 bytes, model 128.");
    const json options = json::parse(request.options.values, nullptr, false);
    if (!options.is_object()) return fail(error_code::invalid_argument, "The session's options must be an object.");
    if (auto wrong = claude::wrong_option(options)) return fail(error_code::invalid_argument, std::move(*wrong));
    if (!is_utf8(request.title) || !is_utf8(request.model) || !is_utf8(request.cwd))
        return fail(error_code::invalid_argument, "cwd, title and model must be UTF-8.");
    return {};
}

proto::result<void> check(const prompt_request& request) {
    if (request.text.empty()) return fail(error_code::invalid_argument, "text must not be empty.");
    if (request.text.size() > proto::limits::prompt_bytes_max)
        return fail(error_code::invalid_argument,
                    "text may have " + std::to_string(proto::limits::prompt_bytes_max) + " bytes.",
                    "Put what is long into a file of the project and name it.");
    if (!is_utf8(request.text)) return fail(error_code::invalid_argument, "text must be UTF-8.");
    if (!request.prompt_uuid.empty() && !is_uuid(request.prompt_uuid))
        return fail(error_code::invalid_argument, "The prompt's id must be a UUID in lower case.");
    return {};
}

}  // namespace

session_engine::session_engine(asio::any_io_executor executor, engine_options options, events::log& log)
    : services_(executor, options, log),
      registry_(executor, claude::config_directory(options.environment) / "sessions", [this] { registry_changed(); }),
      program_(fail(error_code::internal, "Claude Code was not looked for yet.")),
      tasks_(executor, [this](const std::exception_ptr&) {
          recovery_troubles_["engine"] = "A session's work ended by an error in CodeZ itself; restart the agent.";
      }) {
    services_.on_row = [this](const events::session_row& row) {
        if (observer_) observer_(summary_of(row));
    };
    services_.on_over = [this] {
        // One that gave way is a mirror from now on.
        if (!others_.empty()) registry_changed();
    };
}

session_engine::~session_engine() { services_.stopping = true; }

session_engine::task<created> session_engine::create(create_request request, proto::principal who) {
    if (auto good = check(request); !good) co_return std::unexpected(good.error());
    std::error_code ec;
    const fs::path real = fs::canonical(request.cwd, ec);
    if (ec) co_return fail(error_code::invalid_argument, "cwd cannot be reached on this machine.");
    // Between the policy's look at it and this one somebody may have put a symbolic link in its place.
    if (real != request.cwd)
        co_return fail(error_code::policy_denied,
                       "cwd leads through a symbolic link, to " + bounded_text(real.string(), 512) + ".",
                       "Name the directory itself.");

    events::session_row row;
    row.id = request.session_id.empty() ? random_uuid() : request.session_id;
    row.cwd = real.string();
    row.slug = claude::project_slug(row.cwd);
    row.title = request.title;
    row.model = request.model;
    row.permission_mode = request.permission_mode;
    row.include_partial = request.include_partial_messages;
    row.created_at = row.updated_at = session_services::now_ms();
    row.created_by = who.key();
    row.depth = request.depth;
    if (starting_.contains(row.id)) co_return std::unexpected(starting(row.id));
    const reservation place(*this, row.id, claim::create);

    auto known = std::make_shared<bool>(false);
    const auto looked = co_await services_.log.run(
        [known, id = row.id](connection& c) { *known = events::find_session(c, id).has_value(); });
    if (!looked) co_return std::unexpected(looked.error());
    if (*known || claude::find_transcript(services_.options.environment, row.cwd, row.id)) {
        co_return fail(error_code::session_busy, "There is a session " + row.id + " on this machine already.",
                       "Leave session_id out, or send the prompt to that session.");
    }
    const std::string id = row.id;
    if (request.options.values != "{}") {
        const auto kept = co_await services_.log.run(
            [id, options = request.options](connection& c) { save_options(c, id, options); });
        if (!kept) co_return std::unexpected(kept.error());
    }
    turn_memory memory;
    memory.asked_model = request.model;
    memory.asked_mode = request.permission_mode;
    memory.expiry_s = request.permission_expiry_s;
    bool room = false;
    if (waiting_.empty()) room = co_await make_room();
    if (!room) {
        const auto at = co_await announce_idle(std::move(row), std::move(memory));
        if (at) co_return created(id, real.string(), *at);
        std::ignore = co_await services_.log.run([id](connection& c) { remove_options(c, id); });
        co_return std::unexpected(at.error());
    }
    const auto live = co_await launch(std::move(row), std::move(memory), request.depth);
    if (!live) {
        std::ignore = co_await services_.log.run([id](connection& c) { remove_options(c, id); });
        co_return std::unexpected(live.error());
    }
    const auto cursor = co_await (*live)->announce();
    if (!cursor) co_return std::unexpected(cursor.error());
    co_return created(id, real.string(), *cursor);
}

// The answer to a prompt that was sent before under the same uuid.
session_engine::task<sent> session_engine::sent_before(prompt_request request, bool& found) {
    auto row = std::make_shared<std::optional<events::prompt_row>>();
    const auto looked = co_await services_.log.run(
        [row, uuid = request.prompt_uuid](connection& c) { *row = events::find_prompt(c, uuid); });
    found = true;
    if (!looked) co_return std::unexpected(looked.error());
    if (!*row) {
        found = false;
        co_return sent();
    }
    const events::prompt_row& before = **row;
    if (before.session_id != request.session_id || before.text != request.text)
        co_return fail(error_code::idempotency_conflict, "This idempotency key was used for another prompt.",
                       "Use a new key for each prompt.");
    sent out;
    out.prompt_uuid = before.uuid;
    out.via = before.via;
    out.cursor = before.cursor;
    co_return out;
}

session_engine::task<sent> session_engine::send_prompt(prompt_request request, proto::principal who) {
    if (auto good = check(request); !good) co_return std::unexpected(good.error());
    if (request.prompt_uuid.empty()) {
        request.prompt_uuid = random_uuid();
    } else {
        bool found = false;
        auto before = co_await sent_before(request, found);
        if (found) co_return before;
    }
    const auto deadline = std::chrono::steady_clock::now() + services_.options.start_timeout;
    for (;;) {
        std::string via = "live";
        live_ptr live = find_live(request.session_id);
        // One that is just ending is resumed as soon as it has ended.
        while (live && !live->accepts() && !live->conflict() && !services_.stopping &&
               std::chrono::steady_clock::now() < deadline) {
            co_await services_.changed.wait_until(deadline);
            live = find_live(request.session_id);
        }
        if (!live) {
            via = "resume";
            const auto resumed = co_await resume(request.session_id, request.depth);
            if (!resumed) co_return std::unexpected(resumed.error());
            if (!*resumed) {
                auto waits = co_await wait_in_line(request, who.key());
                if (!waits) co_return std::unexpected(waits.error());
                if (*waits) co_return std::move(**waits);
                if (std::chrono::steady_clock::now() < deadline && !services_.stopping) continue;
                co_return std::unexpected(starting(request.session_id));
            }
            live = *resumed;
        }
        const auto sent = co_await live->send(request, std::move(via), who.key());
        // It may have begun to end while the prompt waited for its turn there.
        const bool missed = !sent && !live->accepts() && !live->conflict() && !services_.stopping;
        if (!missed || std::chrono::steady_clock::now() >= deadline) co_return sent;
    }
}

session_engine::task<aborted> session_engine::abort(std::string session_id) {
    if (const live_ptr live = find_live(session_id)) co_return co_await live->interrupt();
    const auto left = co_await leave_line(session_id);
    if (!left) co_return std::unexpected(left.error());
    if (*left) co_return aborted(true);
    const auto known = co_await get(session_id);
    if (!known) co_return std::unexpected(known.error());
    co_return aborted();
}

session_engine::task<void> session_engine::dispose(std::string session_id) {
    const auto left = co_await leave_line(session_id);
    if (!left) co_return std::unexpected(left.error());
    const live_ptr live = find_live(session_id);
    if (!live) {
        const auto known = co_await get(session_id);
        if (!known) co_return std::unexpected(known.error());
        co_return proto::result<void>();
    }
    co_await live->end();
    drop_ended();
    co_return proto::result<void>();
}

std::unique_ptr<engine> make_engine(asio::any_io_executor executor, engine_options options, events::log& log) {
    return std::make_unique<session_engine>(std::move(executor), std::move(options), log);
}

}  // namespace agent::session
