#include "agent/session/event_bodies.hpp"

#include <chrono>
#include <cstdio>
#include <utility>

#include "agent/claude/json_access.hpp"
#include "agent/session/permission_forms.hpp"

namespace agent::session {

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string bounded_text(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return std::string(text);
    std::size_t end = bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return std::string(text.substr(0, end));
}

json bounded_payload(const json& value) {
    const std::string text = dump(value);
    if (text.size() <= event_payload_bytes_max) return value;
    return {{"truncated", true}, {"bytes", text.size()}, {"preview", bounded_text(text, 4096)}};
}

events::new_event make_event(const std::string& session_id, std::string type, json body, bool starts_turn) {
    body["sessionId"] = session_id;
    events::new_event out;
    out.session_id = session_id;
    out.type = std::move(type);
    out.body = dump(body);
    out.starts_turn = starts_turn;
    return out;
}

json session_json(const events::session_row& row) {
    json out = {{"id", row.id},
                {"projectSlug", row.slug},
                {"cwd", row.cwd},
                {"createdAt", row.created_at},
                {"updatedAt", row.updated_at},
                {"status", events::to_string(row.status)},
                {"state", events::to_string(row.state)}};
    if (!row.title.empty()) out["title"] = row.title;
    if (row.last_message_at) out["lastMessageAt"] = *row.last_message_at;
    json metadata = {{"permissionMode", row.permission_mode}};
    if (!row.model.empty()) metadata["model"] = row.model;
    const json kept = json::parse(row.metadata, nullptr, false);
    if (auto version = claude::text_of(kept, "claudeCodeVersion"); !version.empty())
        metadata["claudeCodeVersion"] = std::move(version);
    out["metadata"] = std::move(metadata);
    return out;
}

json text_part(std::string id, std::string_view type, std::string_view text) {
    json out = {{"id", std::move(id)}, {"type", type}, {"text", bounded_text(text, event_text_bytes_max)}};
    if (text.size() > event_text_bytes_max) out["truncated"] = true;
    return out;
}

json running_tool_part(const std::string& tool_use_id, const open_tool& tool) {
    json out = {{"id", tool_use_id}, {"type", "tool_use"}, {"tool", tool.tool}, {"state", "running"}};
    if (!tool.input.is_null()) out["input"] = bounded_payload(tool.input);
    return out;
}

json finished_tool_part(const std::string& tool_use_id, const open_tool& tool, const claude::content_block& result) {
    json out = running_tool_part(tool_use_id, tool);
    out["state"] = result.is_error ? "error" : "completed";
    out["result"] = bounded_payload(result.payload);
    out["resultText"] = bounded_text(result.text, event_payload_bytes_max);
    return out;
}

json result_part(const claude::turn_result& result) {
    json out = {
        {"id", result.uuid},          {"type", "result"},           {"subtype", result.is_error ? "error" : "success"},
        {"isError", result.is_error}, {"costUsd", result.cost_usd}, {"durationMs", result.duration_ms},
        {"numTurns", result.turns}};
    json usage = json::object();
    for (const char* name : {"input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"})
        usage[name] = claude::integer_of(result.usage, name);
    out["usage"] = std::move(usage);
    if (!result.terminal_reason.empty()) out["reason"] = result.terminal_reason;
    if (!result.structured_output.is_null()) out["structuredOutput"] = bounded_payload(result.structured_output);
    return out;
}

json retry_json(const claude::api_retry& retry) {
    json out = {{"attempt", retry.attempt},
                {"maxAttempts", retry.max_retries},
                {"delayMs", retry.delay_ms},
                {"reason", bounded_text(retry.error, 256)}};
    if (retry.status) out["status"] = *retry.status;
    return out;
}

bool lacks_login(const claude::turn_result& result) {
    return result.is_error && (result.text.starts_with("Not logged in") || result.api_error_status == 401);
}

std::string failure_of(const claude::turn_result& result) {
    if (!result.is_error) return {};
    if (lacks_login(result)) {
        const std::string what_to_do =
            " On the machine, run `claude` and use /login, or put CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`) or "
            "ANTHROPIC_API_KEY into claude.env beside agent.toml. Then send the prompt again.";
        if (!result.api_error_status) return "Claude Code is not logged in on this machine." + what_to_do;
        return "Anthropic refused this machine's login (401)." + what_to_do +
               " It said: " + bounded_text(result.text, 2048);
    }
    if (result.terminal_reason.starts_with("aborted")) return "The turn was interrupted.";
    if (result.subtype == "error_max_turns") return "The turn reached its maximum number of steps.";
    if (result.subtype == "error_max_budget_usd") return "The session reached its maximum cost.";
    if (result.subtype == "error_max_structured_output_retries")
        return "The model did not give its answer in the form that `output_format` asks for.";
    if (!result.text.empty()) return bounded_text(result.text, 8192);
    for (const auto& each : result.errors)
        // A diagnostic of claude's for its makers, not for users.
        if (!each.starts_with("[ede_diagnostic]")) return bounded_text(each, 8192);
    return "The turn failed: " + (result.subtype.empty() ? std::string("no reason given") : result.subtype) + ".";
}

events::permission_row permission_row_of(const std::string& session_id, const claude::permission_ask& ask,
                                         std::int64_t now_ms, std::int64_t expires_at_ms) {
    events::permission_row row;
    row.request_id = ask.request_id;
    row.session_id = session_id;
    row.tool_name = bounded_text(ask.tool_name, 256);
    row.tool_use_id = bounded_text(ask.tool_use_id, 256);
    row.input = dump(bounded_payload(ask.input));
    row.description = bounded_text(ask.description, 8192);
    // Suggestions that are cut would be no suggestions: they are sent back as they came.
    const std::string suggestions = dump(ask.suggestions);
    row.suggestions = ask.suggestions.is_array() && suggestions.size() <= event_payload_bytes_max ? suggestions : "[]";
    row.created_at = now_ms;
    json details = permission_details(ask);
    if (expires_at_ms > 0) details["expiresAt"] = expires_at_ms;
    row.details = dump(details);
    return row;
}

std::int64_t time_of(const std::string& timestamp, std::int64_t otherwise) {
    int year = 0;
    unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0, milli = 0;
    if (timestamp.size() > 40 || std::sscanf(timestamp.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u.%3uZ", &year, &month, &day,
                                             &hour, &minute, &second, &milli) != 7)
        return otherwise;
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return otherwise;
    const auto days = std::chrono::sys_days(date).time_since_epoch();
    const auto of_day = std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second) +
                        std::chrono::milliseconds(milli);
    return std::chrono::duration_cast<std::chrono::milliseconds>(days + of_day).count();
}

}  // namespace agent::session
