// The turn: prompts, permissions, state, results. Messages and parts are in turn_messages.cpp.
#include "agent/session/turn_reducer.hpp"

#include <algorithm>
#include <utility>

#include "agent/session/event_bodies.hpp"
#include "proto/limits.hpp"

namespace agent::session {

using events::prompt_state;
using events::session_state;
using events::session_status;

void turn_reducer::on_line(const claude::stream_message& message, std::int64_t now_ms, reduction& out) {
    const shown before = look();
    std::visit([&](const auto& m) { apply(m, now_ms, out); }, message);
    tell_if_changed(before, now_ms, out);
}

bool turn_reducer::busy() const { return memory_.turn_open || !memory_.prompts.empty(); }

bool turn_reducer::working() const {
    return busy() ||
           std::ranges::any_of(memory_.tasks, [](const auto& each) { return each.second.kind == "local_agent"; });
}

void turn_reducer::tell_if_changed(const shown& before, std::int64_t now_ms, reduction& out) {
    if (look() == before) return;
    row_.updated_at = now_ms;
    if (memory_.announced)
        out.events.push_back(make_event(row_.id, "session.updated", {{"session", session_json(row_)}}));
}

void turn_reducer::announce(std::int64_t now_ms, reduction& out) {
    memory_.announced = true;
    row_.status = session_status::live;
    row_.state = session_state::idle;
    row_.updated_at = now_ms;
    out.events.push_back(make_event(row_.id, "session.created", {{"session", session_json(row_)}}));
}

void turn_reducer::on_started(std::int64_t now_ms, reduction& out) {
    // A prompt may have come in meanwhile and its turn have begun: what claude said since holds.
    row_.status = session_status::live;
    if (row_.state == session_state::interrupted) row_.state = session_state::idle;
    row_.updated_at = now_ms;
    out.events.push_back(make_event(row_.id, "session.updated", {{"session", session_json(row_)}}));
}

void turn_reducer::on_updated(const std::string& title, const std::string& model, const std::string& permission_mode,
                              std::int64_t now_ms, reduction& out) {
    const shown before = look();
    if (!title.empty()) row_.title = title;
    if (!model.empty()) row_.model = memory_.asked_model = model;
    if (!permission_mode.empty()) row_.permission_mode = memory_.asked_mode = permission_mode;
    tell_if_changed(before, now_ms, out);
}

void turn_reducer::on_prompt_accepted(const std::string& uuid, const std::string& text, std::int64_t now_ms,
                                      reduction& out, prompt_progress progress) {
    open_prompt prompt;
    prompt.order = ++memory_.counter;
    prompt.progress = progress;
    prompt.began_turn = !busy();
    const bool starts_turn = prompt.began_turn;
    memory_.prompts.emplace(uuid, prompt);
    row_.last_message_at = now_ms;
    row_.updated_at = now_ms;
    if (row_.title.empty()) row_.title = bounded_text(text.substr(0, text.find('\n')), proto::limits::title_bytes_max);
    json message = {{"id", uuid}, {"sessionId", row_.id}, {"role", "user"}, {"time", {{"created", now_ms}}}};
    message["parts"] = json::array({text_part(uuid + ":0", "text", text)});
    json body = json::object();
    body["message"] = std::move(message);
    out.events.push_back(make_event(row_.id, "message.created", std::move(body), starts_turn));
}

bool turn_reducer::on_prompts_given() {
    bool any = false;
    for (auto& [uuid, prompt] : memory_.prompts) {
        if (prompt.progress != prompt_progress::waiting) continue;
        prompt.progress = prompt_progress::accepted;
        any = true;
    }
    return any;
}

void turn_reducer::on_prompts_dropped(prompt_state state, const std::string& error, std::int64_t now_ms,
                                      reduction& out) {
    const auto prompts = memory_.prompts;
    for (const auto& [uuid, prompt] : prompts) {
        if (prompt.progress != prompt_progress::waiting) continue;
        prompt_outcome outcome;
        outcome.is_error = true;
        outcome.error = error;
        settle(uuid, state, std::move(outcome), out);
    }
    if (out.prompts.empty()) return;
    row_.updated_at = now_ms;
    out.events.push_back(make_event(row_.id, "session.error", {{"error", error}, {"code", "not_started"}}));
    json result = {{"type", "result"}, {"subtype", "error"}, {"isError", true}, {"reason", "not_started"}};
    json body = json::object();
    body["result"] = std::move(result);
    out.events.push_back(make_event(row_.id, "session.idle", std::move(body)));
}

bool turn_reducer::on_permission_answered(const std::string& request_id, const given_answer& answer,
                                          std::int64_t now_ms, reduction& out) {
    if (memory_.permissions.erase(request_id) == 0) return false;
    memory_.expiries.erase(request_id);
    const shown before = look();
    if (memory_.permissions.empty() && row_.state == session_state::requires_action)
        row_.state = session_state::running;
    json body = answer.details;
    body["requestId"] = request_id;
    body["behavior"] = answer.behavior;
    body["answeredBy"] = answer.by.name;
    body["answeredByKind"] = events::to_string(answer.by.kind);
    for (const auto& rule : answer.grants) {
        const bool known = std::ranges::find(memory_.grants, rule, &permission_grant::rule) != memory_.grants.end();
        if (known) continue;
        memory_.grants.emplace_back("g" + std::to_string(++memory_.counter), rule, answer.by.name,
                                    std::string(events::to_string(answer.by.kind)), now_ms);
        body["grants"].push_back({{"grantId", memory_.grants.back().id}, {"rule", rule}});
    }
    out.events.push_back(make_event(row_.id, "channel.permission_resolved", std::move(body)));
    tell_if_changed(before, now_ms, out);
    return true;
}

std::size_t turn_reducer::on_grants_withdrawn(const std::string& id, const events::answerer& by, std::int64_t now_ms,
                                              reduction& out) {
    json gone = json::array();
    std::erase_if(memory_.grants, [&](const permission_grant& grant) {
        if (!id.empty() && grant.id != id) return false;
        gone.push_back({{"grantId", grant.id}, {"rule", grant.rule}});
        return true;
    });
    const std::size_t count = gone.size();
    if (count == 0) return 0;
    row_.updated_at = now_ms;
    out.events.push_back(make_event(
        row_.id, "channel.grants_revoked",
        {{"grants", std::move(gone)}, {"revokedBy", by.name}, {"revokedByKind", events::to_string(by.kind)}}));
    return count;
}

void turn_reducer::on_permissions_listed(const std::vector<claude::permission_ask>& open, std::int64_t now_ms,
                                         reduction& out) {
    const shown before = look();
    const auto held = memory_.permissions;
    for (const auto& [request_id, tool] : held) {
        const bool still_open =
            std::any_of(open.begin(), open.end(), [&id = request_id](const auto& ask) { return ask.request_id == id; });
        if (!still_open) withdraw(request_id, out);
    }
    tell_if_changed(before, now_ms, out);
}

void turn_reducer::on_process_end(const process_end& end, std::int64_t now_ms, reduction& out) {
    const shown before = look();
    const auto kept = [&end](const auto& entry) {
        return end.keeps_waiting && entry.second.progress == prompt_progress::waiting;
    };
    const bool in_turn = memory_.turn_open || !std::ranges::all_of(memory_.prompts, kept);
    // Nobody has lost anything: its prompts are given to the next claude.
    const bool only_waits = end.keeps_waiting && !in_turn && !memory_.prompts.empty();
    const auto permissions = memory_.permissions;
    for (const auto& [request_id, tool] : permissions) withdraw(request_id, out);
    for (const auto& [id, tool] : memory_.tools) tell_cut_off(id, tool, "The session ended before this tool did.", out);
    for (const auto& [id, task] : memory_.tasks) {
        out.events.push_back(make_event(row_.id, "task.finished",
                                        {{"taskId", id}, {"toolUseId", task.tool_use_id}, {"state", "killed"}}));
    }
    memory_.tasks.clear();

    const std::string error =
        end.error.empty() && in_turn ? "The session was ended before its turn was over." : end.error;
    const auto prompts = memory_.prompts;
    for (const auto& entry : prompts) {
        const auto& [uuid, prompt] = entry;
        if (kept(entry)) continue;
        if (prompt.progress == prompt_progress::waiting) {
            prompt_outcome outcome;
            outcome.is_error = true;
            outcome.error = error + " The prompt was not given to Claude Code.";
            settle(uuid, prompt_state::rejected, std::move(outcome), out);
            continue;
        }
        const bool arrived = prompt.progress == prompt_progress::started ||
                             std::find(end.arrived.begin(), end.arrived.end(), uuid) != end.arrived.end();
        prompt_outcome outcome;
        outcome.is_error = true;
        outcome.error = arrived ? error : error + " Whether it had taken this prompt is not known.";
        settle(uuid, arrived ? prompt_state::completed : prompt_state::unknown, std::move(outcome), out);
    }
    row_.status = session_status::idle;
    row_.state = in_turn || (!end.error.empty() && !only_waits) ? session_state::interrupted : session_state::idle;
    row_.holder_directory.clear();
    row_.spool_offset = 0;
    if (!error.empty() && !only_waits)
        out.events.push_back(make_event(row_.id, "session.error", {{"error", error}, {"code", "process_ended"}}));
    if (in_turn) {
        json result = {{"type", "result"}, {"subtype", "error"}, {"isError", true}, {"reason", "process_ended"}};
        json body = json::object();
        body["result"] = std::move(result);
        out.events.push_back(make_event(row_.id, "session.idle", std::move(body)));
    }
    memory_.messages.clear();
    forget_turn();
    tell_if_changed(before, now_ms, out);
}

void turn_reducer::apply(const claude::turn_init& m, std::int64_t, reduction&) {
    memory_.turn_open = true;
    row_.state = memory_.permissions.empty() ? session_state::running : session_state::requires_action;
    if (!m.model.empty()) row_.model = m.model;
    if (!m.permission_mode.empty()) row_.permission_mode = m.permission_mode;
    row_.metadata = dump(bounded_payload(m.metadata));
}

void turn_reducer::apply(const claude::turn_result& m, std::int64_t now_ms, reduction& out) {
    const json part = result_part(m);
    const std::string answer = m.text.empty() ? memory_.own_words : bounded_text(m.text, event_text_bytes_max);
    const std::string failure = failure_of(m);
    out.lacks_login = lacks_login(m);
    row_.last_result = dump(part);
    row_.last_message_at = now_ms;
    row_.updated_at = now_ms;
    // A session that has spent its budget stops without the results of the tools that were asked for.
    for (const auto& [id, tool] : memory_.tools)
        if (ends_with_the_turn(tool)) tell_cut_off(id, tool, "The turn ended before this tool did.", out);
    if (!memory_.last_message.empty()) tell_part("message.part.completed", memory_.last_message, part, out);

    const auto prompts = memory_.prompts;
    const bool aborted = m.terminal_reason.starts_with("aborted");
    for (const auto& [uuid, prompt] : prompts) {
        const bool named = std::find(m.prompt_uuids.begin(), m.prompt_uuids.end(), uuid) != m.prompt_uuids.end();
        if (!named && prompt.progress != prompt_progress::started) continue;
        prompt_outcome outcome;
        outcome.is_error = m.is_error;
        outcome.text = m.is_error ? std::string() : answer;
        outcome.error = failure;
        outcome.result = row_.last_result;
        settle(uuid, aborted ? prompt_state::cancelled : prompt_state::completed, std::move(outcome), out);
    }
    if (m.is_error) {
        const std::string reason = m.terminal_reason.empty() ? m.subtype : m.terminal_reason;
        json body = {{"error", failure}, {"code", lacks_login(m) ? "not_logged_in" : reason}};
        out.events.push_back(make_event(row_.id, "session.error", std::move(body)));
    }
    json body = json::object();
    body["result"] = part;
    if (!m.is_error) body["result"]["text"] = answer;
    out.events.push_back(make_event(row_.id, "session.idle", std::move(body)));
    forget_turn();
    // A prompt that waits begins the next turn at once: claude says so itself, this covers the moment between.
    row_.state = working() ? session_state::running : session_state::idle;
}

void turn_reducer::apply(const claude::permission_ask& m, std::int64_t now_ms, reduction& out) {
    if (m.request_id.empty() || memory_.permissions.contains(m.request_id)) return;
    if (memory_.permissions.size() >= proto::limits::pending_permissions_max) {
        out.refused.push_back(
            claude::other_request(m.request_id, "can_use_tool: too many permission requests are open"));
        return;
    }
    memory_.permissions.emplace(m.request_id, m.tool_use_id);
    row_.state = session_state::requires_action;
    const std::int64_t expires_at = expiry_s_ > 0 ? now_ms + expiry_s_ * 1000 : 0;
    if (expires_at > 0) memory_.expiries.emplace(m.request_id, expires_at);
    auto row = permission_row_of(row_.id, m, now_ms, expires_at);
    json body = json::object();
    body["request"] = json::parse(events::request_json(row), nullptr, false);
    out.events.push_back(make_event(row_.id, "channel.permission_request", std::move(body)));
    out.asked.push_back(std::move(row));
}

void turn_reducer::apply(const claude::other_request& m, std::int64_t, reduction& out) { out.refused.push_back(m); }

void turn_reducer::apply(const claude::request_withdrawn& m, std::int64_t, reduction& out) {
    if (memory_.permissions.contains(m.request_id)) withdraw(m.request_id, out);
}

void turn_reducer::apply(const claude::control_reply& m, std::int64_t, reduction& out) { out.replies.push_back(m); }

void turn_reducer::apply(const claude::prompt_lifecycle& m, std::int64_t, reduction& out) {
    const auto found = memory_.prompts.find(m.prompt_uuid);
    if (found == memory_.prompts.end()) return;
    open_prompt& prompt = found->second;
    switch (m.step) {
        case claude::prompt_step::queued:
            if (prompt.progress != prompt_progress::accepted) return;
            prompt.progress = prompt_progress::queued;
            out.prompts.push_back(prompt_change(m.prompt_uuid, prompt_state::queued, std::nullopt));
            return;
        case claude::prompt_step::started:
            prompt.progress = prompt_progress::started;
            memory_.turn_open = true;
            out.prompts.push_back(prompt_change(m.prompt_uuid, prompt_state::started, std::nullopt));
            if (prompt.began_turn) return;
            // It had waited for another turn's end: readers without a cursor begin here from now on.
            prompt.began_turn = true;
            out.events.push_back(make_event(row_.id, "session.updated", {{"session", session_json(row_)}}, true));
            return;
        case claude::prompt_step::completed: {
            // The turn's result comes first and settles what it was for. What is still open here had none: a prompt that
            // claude knew already when it was sent again after a death, and so did not run.
            prompt_outcome outcome;
            outcome.is_error = true;
            outcome.error = "Claude Code ended this prompt without an answer.";
            settle(m.prompt_uuid, prompt_state::completed, std::move(outcome), out);
            return;
        }
        case claude::prompt_step::cancelled: {
            prompt_outcome outcome;
            outcome.is_error = true;
            outcome.error = "The prompt was cancelled before it was done.";
            settle(m.prompt_uuid, prompt_state::cancelled, std::move(outcome), out);
            return;
        }
    }
}

void turn_reducer::apply(const claude::state_changed& m, std::int64_t, reduction&) {
    if (m.state == "running")
        row_.state = session_state::running;
    else if (m.state == "requires_action")
        row_.state = session_state::requires_action;
    else if (m.state == "idle") {
        memory_.turn_open = false;
        row_.state = session_state::idle;
    }
}

void turn_reducer::apply(const claude::api_retry& m, std::int64_t, reduction& out) {
    out.events.push_back(make_event(row_.id, "session.retrying", retry_json(m)));
}

void turn_reducer::apply(const claude::title_changed& m, std::int64_t, reduction&) {
    row_.title = bounded_text(m.title, proto::limits::title_bytes_max);
}

void turn_reducer::apply(const claude::mode_changed& m, std::int64_t, reduction&) {
    row_.permission_mode = m.permission_mode;
}

void turn_reducer::apply(const claude::unreadable_line&, std::int64_t, reduction& out) { ++out.unreadable; }

void turn_reducer::settle(const std::string& uuid, prompt_state state, prompt_outcome outcome, reduction& out) {
    if (memory_.prompts.erase(uuid) == 0) return;
    out.prompts.push_back(prompt_change(uuid, state, std::move(outcome)));
}

void turn_reducer::withdraw(const std::string& request_id, reduction& out) {
    memory_.permissions.erase(request_id);
    memory_.expiries.erase(request_id);
    out.withdrawn.push_back(request_id);
    out.events.push_back(
        make_event(row_.id, "channel.permission_resolved", {{"requestId", request_id}, {"behavior", "withdrawn"}}));
}

void turn_reducer::tell_cut_off(const std::string& id, const open_tool& tool, const char* why, reduction& out) const {
    claude::content_block ended;
    ended.is_error = true;
    ended.text = why;
    ended.payload = ended.text;
    tell_part("message.part.completed", tool.message_id, finished_tool_part(id, tool, ended), out);
}

bool turn_reducer::ends_with_the_turn(const open_tool& tool) const {
    const auto message = memory_.messages.find(tool.message_id);
    return message == memory_.messages.end() || message->second.parent.empty();
}

void turn_reducer::forget_turn() {
    memory_.turn_open = false;
    memory_.last_message.clear();
    memory_.own_words.clear();
    // Subagents in the background go on after the turn that started them, and so do their messages.
    std::erase_if(memory_.tools, [this](const auto& entry) { return ends_with_the_turn(entry.second); });
    std::erase_if(memory_.messages, [](const auto& entry) { return entry.second.parent.empty(); });
}

}  // namespace agent::session
