#include "agent/claude/stream_decode.hpp"

#include <utility>

#include "agent/claude/json_access.hpp"

namespace agent::claude {
namespace {

// Brackets outside of strings; whether they match is the parser's business.
bool deeper_than(std::string_view text, std::size_t limit) {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > limit) return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
    return false;
}

block_kind kind_of(std::string_view type) {
    if (type == "text" || type == "text_delta") return block_kind::text;
    if (type == "thinking" || type == "thinking_delta") return block_kind::thinking;
    if (type == "tool_use" || type == "input_json_delta") return block_kind::tool_use;
    if (type == "tool_result") return block_kind::tool_result;
    return block_kind::other;
}

std::string joined_text(const json& content) {
    if (content.is_string()) return content.get<std::string>();
    std::string out;
    if (!content.is_array()) return out;
    for (const auto& part : content) {
        if (text_of(part, "type") != "text") continue;
        if (!out.empty()) out += '\n';
        out += text_of(part, "text");
    }
    return out;
}

content_block read_block(const json& from) {
    content_block block;
    block.kind = kind_of(text_of(from, "type"));
    switch (block.kind) {
        case block_kind::text:
            block.text = text_of(from, "text");
            break;
        case block_kind::thinking:
            block.text = text_of(from, "thinking");
            break;
        case block_kind::tool_use:
            block.tool = text_of(from, "name");
            block.tool_use_id = text_of(from, "id");
            block.payload = copy_of(from, "input", json::object());
            break;
        case block_kind::tool_result:
            block.tool_use_id = text_of(from, "tool_use_id");
            block.payload = copy_of(from, "content", "");
            block.text = joined_text(block.payload);
            block.is_error = flag_of(from, "is_error");
            break;
        case block_kind::other:
            block.payload = from;
            break;
    }
    return block;
}

std::vector<content_block> read_blocks(const json& message) {
    std::vector<content_block> blocks;
    const auto* content = member(message, "content");
    if (!content) return blocks;
    if (content->is_string()) {
        content_block block;
        block.kind = block_kind::text;
        block.text = content->get<std::string>();
        blocks.push_back(std::move(block));
    } else if (content->is_array()) {
        for (const auto& each : *content) blocks.push_back(read_block(each));
    }
    return blocks;
}

stream_message read_init(const json& line) {
    turn_init out;
    out.session_id = text_of(line, "session_id");
    out.cwd = text_of(line, "cwd");
    out.model = text_of(line, "model");
    out.permission_mode = text_of(line, "permissionMode");
    out.metadata = json::object();
    static constexpr std::pair<const char*, const char*> names[] = {{"model", "model"},
                                                                    {"permissionMode", "permissionMode"},
                                                                    {"output_style", "outputStyle"},
                                                                    {"tools", "tools"},
                                                                    {"agents", "agents"},
                                                                    {"skills", "skills"},
                                                                    {"slash_commands", "slashCommands"},
                                                                    {"claude_code_version", "claudeCodeVersion"}};
    for (const auto& [theirs, ours] : names)
        if (const auto* value = member(line, theirs)) out.metadata[ours] = *value;
    for (const char* list : {"plugins", "mcp_servers"}) {
        auto& kept = out.metadata[list == std::string_view("plugins") ? "plugins" : "mcpServers"];
        kept = json::array();
        const auto* all = member(line, list);
        if (!all || !all->is_array()) continue;
        // Not their sources and paths: an MCP server's may hold secrets.
        for (const auto& each : *all) {
            json entry = {{"name", text_of(each, "name")}};
            if (auto status = text_of(each, "status"); !status.empty()) entry["status"] = std::move(status);
            kept.push_back(std::move(entry));
        }
    }
    return out;
}

stream_message read_assistant(const json& line) {
    assistant_line out;
    const json message = copy_of(line, "message", json::object());
    out.uuid = text_of(line, "uuid");
    out.message_id = text_of(message, "id");
    out.model = text_of(message, "model");
    out.parent_tool_use_id = text_of(line, "parent_tool_use_id");
    out.timestamp = text_of(line, "timestamp");
    out.error = text_of(line, "error");
    out.blocks = read_blocks(message);
    return out;
}

stream_message read_user(const json& line) {
    user_line out;
    out.uuid = text_of(line, "uuid");
    out.parent_tool_use_id = text_of(line, "parent_tool_use_id");
    out.timestamp = text_of(line, "timestamp");
    out.is_replay = flag_of(line, "isReplay");
    out.is_synthetic = flag_of(line, "isSynthetic");
    out.blocks = read_blocks(copy_of(line, "message", json::object()));
    return out;
}

stream_message read_stream_event(const json& line) {
    const json event = copy_of(line, "event", json::object());
    const std::string type = text_of(event, "type");
    stream_event out;
    out.message_id = text_of(line, "api_message_id");
    out.parent_tool_use_id = text_of(line, "parent_tool_use_id");
    out.index = static_cast<int>(integer_of(event, "index"));
    if (type == "message_start") {
        out.kind = stream_kind::message_start;
        const json message = copy_of(event, "message", json::object());
        if (out.message_id.empty()) out.message_id = text_of(message, "id");
        out.model = text_of(message, "model");
    } else if (type == "content_block_start") {
        const json block = copy_of(event, "content_block", json::object());
        out.kind = stream_kind::block_start;
        out.block = kind_of(text_of(block, "type"));
        out.tool_use_id = text_of(block, "id");
    } else if (type == "content_block_delta") {
        const json delta = copy_of(event, "delta", json::object());
        out.kind = stream_kind::block_delta;
        out.block = kind_of(text_of(delta, "type"));
        if (out.block == block_kind::text)
            out.delta = text_of(delta, "text");
        else if (out.block == block_kind::thinking)
            out.delta = text_of(delta, "thinking");
        else if (out.block == block_kind::tool_use)
            out.delta = text_of(delta, "partial_json");
    } else if (type == "content_block_stop") {
        out.kind = stream_kind::block_stop;
    }
    return out;
}

stream_message read_result(const json& line) {
    turn_result out;
    out.uuid = text_of(line, "uuid");
    out.subtype = text_of(line, "subtype");
    out.is_error = flag_of(line, "is_error") || out.subtype != "success";
    out.text = text_of(line, "result");
    out.terminal_reason = text_of(line, "terminal_reason");
    if (const auto* status = member(line, "api_error_status"); status && status->is_number_integer())
        out.api_error_status = status->get<std::int64_t>();
    if (const auto* cost = member(line, "total_cost_usd"); cost && cost->is_number())
        out.cost_usd = cost->get<double>();
    out.duration_ms = integer_of(line, "duration_ms");
    out.turns = integer_of(line, "num_turns");
    out.usage = copy_of(line, "usage", json::object());
    out.structured_output = copy_of(line, "structured_output");
    if (const auto* errors = member(line, "errors"); errors && errors->is_array())
        for (const auto& each : *errors)
            if (each.is_string()) out.errors.push_back(each.get<std::string>());
    if (const auto* uuids = member(line, "user_message_uuids"); uuids && uuids->is_array())
        for (const auto& each : *uuids)
            if (each.is_string()) out.prompt_uuids.push_back(each.get<std::string>());
    return out;
}

permission_ask read_ask(const json& line) {
    const json request = copy_of(line, "request", json::object());
    permission_ask out;
    out.request_id = text_of(line, "request_id");
    out.tool_name = text_of(request, "tool_name");
    out.description = text_of(request, "description");
    out.title = text_of(request, "title");
    if (out.description.empty()) out.description = out.title;
    out.blocked_path = text_of(request, "blocked_path");
    out.decision_reason = text_of(request, "decision_reason");
    out.agent_id = text_of(request, "agent_id");
    out.tool_use_id = text_of(request, "tool_use_id");
    out.input = copy_of(request, "input", json::object());
    out.suggestions = copy_of(request, "permission_suggestions", json::array());
    return out;
}

stream_message read_request(const json& line) {
    const json request = copy_of(line, "request", json::object());
    const std::string subtype = text_of(request, "subtype");
    if (subtype == "can_use_tool") return read_ask(line);
    other_request out;
    out.request_id = text_of(line, "request_id");
    out.subtype = subtype;
    return out;
}

stream_message read_reply(const json& line) {
    const json response = copy_of(line, "response", json::object());
    control_reply out;
    out.request_id = text_of(response, "request_id");
    out.ok = text_of(response, "subtype") == "success";
    out.error = text_of(response, "error");
    out.response = copy_of(response, "response", json::object());
    if (const auto* pending = member(response, "pending_permission_requests"); pending && pending->is_array()) {
        out.pending.emplace();
        for (const auto& each : *pending) out.pending->push_back(read_ask(each));
    }
    return out;
}

stream_message read_lifecycle(const json& line) {
    prompt_lifecycle out;
    out.prompt_uuid = text_of(line, "command_uuid");
    const std::string state = text_of(line, "state");
    if (state == "queued")
        out.step = prompt_step::queued;
    else if (state == "started")
        out.step = prompt_step::started;
    else if (state == "completed")
        out.step = prompt_step::completed;
    else if (state == "cancelled")
        out.step = prompt_step::cancelled;
    else
        return ignored_line("command_lifecycle/" + state);
    return out;
}

stream_message read_task_started(const json& line) {
    task_started out;
    out.task_id = text_of(line, "task_id");
    out.tool_use_id = text_of(line, "tool_use_id");
    out.kind = text_of(line, "task_type");
    out.subagent_type = text_of(line, "subagent_type");
    out.description = text_of(line, "description");
    return out;
}

stream_message read_task_finished(const json& line) {
    task_finished out;
    out.task_id = text_of(line, "task_id");
    out.tool_use_id = text_of(line, "tool_use_id");
    out.state = text_of(line, "status");
    out.summary = text_of(line, "summary");
    return out;
}

stream_message read_system(const json& line) {
    const std::string subtype = text_of(line, "subtype");
    if (subtype == "init") return read_init(line);
    if (subtype == "session_state_changed") return state_changed(text_of(line, "state"));
    if (subtype == "task_started") return read_task_started(line);
    if (subtype == "task_notification") return read_task_finished(line);
    if (subtype == "session_title_changed") return title_changed(text_of(line, "title"));
    if (subtype == "status" && member(line, "permissionMode")) return mode_changed(text_of(line, "permissionMode"));
    if (subtype == "api_retry") {
        api_retry out;
        out.attempt = integer_of(line, "attempt");
        out.max_retries = integer_of(line, "max_retries");
        out.delay_ms = integer_of(line, "retry_delay_ms");
        out.error = text_of(line, "error");
        if (const auto* status = member(line, "error_status"); status && status->is_number_integer())
            out.status = status->get<std::int64_t>();
        return out;
    }
    if (subtype == "compact_boundary") {
        const json told = copy_of(line, "compact_metadata", json::object());
        return compact_boundary(text_of(line, "uuid"), text_of(told, "trigger"), integer_of(told, "pre_tokens"),
                                integer_of(told, "post_tokens"), integer_of(told, "duration_ms"));
    }
    return ignored_line("system/" + subtype);
}

}  // namespace

stream_message decode(std::string_view line) {
    if (line.size() > line_bytes_max) return unreadable_line("larger than 32 MiB");
    if (deeper_than(line, line_depth_max)) return unreadable_line("nested too deeply");
    const json parsed = json::parse(line, nullptr, false);
    if (parsed.is_discarded()) return unreadable_line("not JSON");
    if (!parsed.is_object()) return unreadable_line("not a JSON object");

    const std::string type = text_of(parsed, "type");
    if (type == "stream_event") return read_stream_event(parsed);
    if (type == "assistant") return read_assistant(parsed);
    if (type == "user") return read_user(parsed);
    if (type == "system") return read_system(parsed);
    if (type == "result") return read_result(parsed);
    if (type == "command_lifecycle") return read_lifecycle(parsed);
    if (type == "control_request") return read_request(parsed);
    if (type == "control_response") return read_reply(parsed);
    if (type == "control_cancel_request") return request_withdrawn(text_of(parsed, "request_id"));
    return ignored_line(type);
}

}  // namespace agent::claude
