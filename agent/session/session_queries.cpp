// Reading: one session, lists, open permissions, health; and waiting for a turn.
#include <algorithm>
#include <utility>

#include "agent/claude/json_access.hpp"
#include "agent/events/permission_rows.hpp"
#include "agent/events/prompt_rows.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/session_engine.hpp"
#include "proto/limits.hpp"

namespace agent::session {
namespace asio = boost::asio;
using common::db::connection;
using events::prompt_state;
using proto::error_code;
using proto::fail;

namespace {

std::vector<pending_permission> shown(const std::vector<events::permission_row>& rows) {
    std::vector<pending_permission> out;
    for (const auto& row : rows) {
        pending_permission each;
        each.session_id = row.session_id;
        each.request_id = row.request_id;
        each.tool_name = row.tool_name;
        each.description = row.description;
        each.input_preview = claude::text_of(json::parse(events::request_json(row), nullptr, false), "inputPreview");
        each.input = row.input;
        each.suggestions = row.suggestions;
        each.details = row.details;
        each.tool_use_id = row.tool_use_id;
        each.asked_at_ms = row.created_at;
        out.push_back(std::move(each));
    }
    return out;
}

bool settled(prompt_state state) {
    return state == prompt_state::completed || state == prompt_state::cancelled || state == prompt_state::unknown ||
           state == prompt_state::rejected;
}

turn_outcome outcome_of(const events::prompt_row& row) {
    turn_outcome out;
    out.done = settled(row.state);
    out.state = events::to_string(row.state);
    const json outcome = json::parse(row.outcome, nullptr, false);
    out.is_error = claude::flag_of(outcome, "isError");
    out.text = claude::text_of(outcome, "text");
    out.error = claude::text_of(outcome, "error");
    if (const auto* result = claude::member(outcome, "result")) out.result = dump(*result);
    return out;
}

}  // namespace

summary session_engine::summary_of(const events::session_row& row) const {
    summary out;
    out.id = row.id;
    out.slug = row.slug;
    out.cwd = row.cwd;
    out.title = row.title;
    out.model = row.model;
    out.permission_mode = row.permission_mode;
    out.status = row.status == events::session_status::live     ? "live"
                 : row.status == events::session_status::mirror ? "mirror"
                                                                : "idle";
    out.state = events::to_string(row.state);
    out.created_at_ms = row.created_at;
    out.updated_at_ms = row.updated_at;
    out.last_message_at_ms = row.last_message_at.value_or(0);
    out.metadata = row.metadata;
    out.transcript_base = row.transcript_base_offset;
    out.queue_position = position_of(row.id);
    if (const auto live = find_live(row.id); live && row.status == events::session_status::live)
        out.claude_pid = live->claude_pid();
    return out;
}

session_engine::task<details> session_engine::get(std::string session_id) {
    auto row = std::make_shared<std::optional<events::session_row>>();
    auto pending = std::make_shared<std::vector<events::permission_row>>();
    auto memory = std::make_shared<std::string>();
    auto options = std::make_shared<start_options>();
    auto forked_from = std::make_shared<std::string>();
    const auto looked = co_await services_.log.run([=, id = session_id](connection& c) {
        *row = events::find_session(c, id);
        *options = find_options(c, id);
        *forked_from = find_origin(c, id).session_id;
        *pending = events::pending_permissions(c, id);
        *memory = find_memory(c, id);
    });
    if (!looked) co_return std::unexpected(looked.error());
    if (!*row || hidden(session_id))
        co_return fail(error_code::not_found, "This machine has no session " + bounded_text(session_id, 64) + ".",
                       "list_sessions shows those that it has.");
    details out;
    out.session = summary_of(**row);
    out.options = *options;
    out.forked_from = *forked_from;
    out.pending = shown(*pending);
    out.grants = memory_from_json(*memory).grants;
    if (const auto live = find_live(session_id)) out.now = live->now();
    co_return out;
}

session_engine::task<std::vector<summary>> session_engine::list(list_filter filter) {
    events::session_query query;
    query.slug = filter.slug;
    if (filter.status == "live")
        query.status = events::session_status::live;
    else if (filter.status == "idle")
        query.status = events::session_status::idle;
    else if (filter.status == "mirror")
        query.status = events::session_status::mirror;
    else if (!filter.status.empty())
        co_return fail(error_code::invalid_argument, "status must be live, mirror or idle.");
    query.before_ms = filter.before_ms;
    query.before_id = filter.before_id;
    query.limit = std::clamp(filter.limit, 1, proto::limits::list_page_max);
    auto rows = std::make_shared<std::vector<events::session_row>>();
    const auto looked = co_await services_.log.run([=](connection& c) { *rows = events::list_sessions(c, query); });
    if (!looked) co_return std::unexpected(looked.error());
    std::vector<summary> out;
    for (const auto& row : *rows)
        if (!hidden(row.id)) out.push_back(summary_of(row));
    co_return out;
}

session_engine::task<std::vector<pending_permission>> session_engine::pending_permissions(std::string session_id) {
    auto rows = std::make_shared<std::vector<events::permission_row>>();
    const auto looked =
        co_await services_.log.run([=, id = session_id](connection& c) { *rows = events::pending_permissions(c, id); });
    if (!looked) co_return std::unexpected(looked.error());
    co_return shown(*rows);
}

session_engine::task<turn_outcome> session_engine::wait_for_turn(wait_request request) {
    const auto deadline = std::chrono::steady_clock::now() + request.timeout;
    if (request.token) request.token->on_cancel([this] { services_.tell_changed(); });
    struct release {
        std::shared_ptr<wait_token> token;
        ~release() {
            if (token) token->on_cancel({});
        }
    } const at_the_end{request.token};

    auto row = std::make_shared<std::optional<events::prompt_row>>();
    auto pending = std::make_shared<std::vector<events::permission_row>>();
    for (;;) {
        const std::uint64_t seen = services_.changes;
        const auto looked =
            co_await services_.log.run([=, id = request.session_id, uuid = request.prompt_uuid](connection& c) {
                *row = events::find_prompt(c, uuid);
                *pending = events::pending_permissions(c, id);
            });
        if (!looked) co_return std::unexpected(looked.error());
        if (!*row || (*row)->session_id != request.session_id)
            co_return fail(error_code::not_found, "The session has no such prompt.");
        turn_outcome out = outcome_of(**row);
        out.pending = shown(*pending);
        out.cursor = services_.log.last_seq();
        const bool over = std::chrono::steady_clock::now() >= deadline || services_.stopping ||
                          (request.token && request.token->cancelled());
        const bool resolved = !request.until_resolved.empty() &&
                              std::ranges::find(out.pending, request.until_resolved, &pending_permission::request_id) ==
                                  out.pending.end();
        if (out.done || over || resolved || (request.until_permission && !out.pending.empty())) co_return out;
        if (services_.changes == seen) co_await services_.changed.wait_until(deadline);
    }
}

std::vector<session_process> session_engine::processes() const {
    std::vector<session_process> out;
    for (const auto& [id, live] : live_)
        if (!live->over() && live->claude_pid() > 0)
            out.emplace_back(id, live->claude_pid(), static_cast<int>(live->row().depth));
    return out;
}

engine_health session_engine::health() const {
    engine_health out;
    out.live_max = services_.options.live_max;
    out.waiting = static_cast<int>(waiting_.size());
    if (program_) {
        out.claude_path = program_->string();
        out.claude_version = program_version_;
    } else {
        out.troubles.push_back(program_.error().message + " " + program_.error().hint);
    }
    if (auto trouble = services_.log.trouble(); !trouble.empty()) out.troubles.push_back(std::move(trouble));
    for (const auto& [id, sentence] : recovery_troubles_) {
        out.troubles.push_back(sentence);
        out.session_troubles.emplace_back(id, sentence);
    }
    for (const auto& [id, live] : live_) {
        if (live->over()) continue;
        ++out.live;
        out.pending_permissions += live->pending_count();
        if (auto trouble = live->trouble(); !trouble.empty()) {
            out.troubles.push_back("Session " + id + ": " + trouble);
            out.session_troubles.emplace_back(id, std::move(trouble));
        }
    }
    return out;
}

}  // namespace agent::session
