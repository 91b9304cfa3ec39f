// The messages and parts of a conversation, as claude's lines bring them; see turn_reducer.hpp.
#include <algorithm>
#include <utility>

#include "agent/session/event_bodies.hpp"
#include "agent/session/turn_reducer.hpp"

namespace agent::session {
namespace {

// Open at once: the main conversation's and those of subagents. More would mean that results are not recognised.
constexpr std::size_t open_messages_max = 256;
constexpr std::size_t open_tools_max = 1024;

std::string part_id(const std::string& message_id, int index) { return message_id + ":" + std::to_string(index); }

std::string_view type_of(claude::block_kind kind) {
    switch (kind) {
        case claude::block_kind::text:
            return "text";
        case claude::block_kind::thinking:
            return "thinking";
        case claude::block_kind::tool_use:
            return "tool_use";
        case claude::block_kind::tool_result:
            return "tool_result";
        case claude::block_kind::other:
            break;
    }
    return "system";
}

json other_part(const std::string& id, const claude::content_block& block) {
    json out = {{"id", id}, {"type", "system"}, {"subtype", "block"}};
    out["data"] = bounded_payload(block.payload);
    return out;
}

json tool_result_part(const std::string& id, const claude::content_block& block) {
    json out = {{"id", id}, {"type", "tool_result"}, {"toolUseId", block.tool_use_id}, {"isError", block.is_error}};
    out["content"] = bounded_payload(block.payload);
    return out;
}

}  // namespace

open_message& turn_reducer::message_of(const std::string& id, const std::string& model, const std::string& parent,
                                       std::int64_t at_ms, reduction& out) {
    if (const auto found = memory_.messages.find(id); found != memory_.messages.end()) return found->second;
    if (memory_.messages.size() >= open_messages_max) {
        memory_.messages.erase(
            std::min_element(memory_.messages.begin(), memory_.messages.end(),
                             [](const auto& a, const auto& b) { return a.second.order < b.second.order; }));
    }
    json message = {{"id", id}, {"sessionId", row_.id}, {"role", "assistant"}, {"time", {{"created", at_ms}}}};
    if (!model.empty()) message["model"] = model;
    if (!parent.empty()) message["parentToolUseId"] = parent;
    message["parts"] = json::array();
    json body = json::object();
    body["message"] = std::move(message);
    out.events.push_back(make_event(row_.id, "message.created", std::move(body)));
    row_.last_message_at = at_ms;
    if (parent.empty()) memory_.last_message = id;
    open_message opened;
    opened.order = ++memory_.counter;
    opened.parent = parent;
    return memory_.messages.emplace(id, std::move(opened)).first->second;
}

void turn_reducer::tell_part(const char* type, const std::string& message_id, json part, reduction& out) const {
    json body = {{"messageId", message_id}};
    body["part"] = std::move(part);
    out.events.push_back(make_event(row_.id, type, std::move(body)));
}

void turn_reducer::apply(const claude::assistant_line& m, std::int64_t now_ms, reduction& out) {
    const std::string id = m.message_id.empty() ? m.uuid : m.message_id;
    if (id.empty()) return;
    open_message& message = message_of(id, m.model, m.parent_tool_use_id, time_of(m.timestamp, now_ms), out);
    for (const auto& block : m.blocks) {
        if (m.model == "<synthetic>" && m.parent_tool_use_id.empty() && block.kind == claude::block_kind::text)
            memory_.own_words = bounded_text(block.text, 8192);
        // With partial messages the block that is being streamed is the one that comes whole now.
        const int index = message.streaming_index >= 0 ? message.streaming_index : message.next_index;
        message.next_index = index + 1;
        message.streaming_index = -1;
        message.streamed_bytes = 0;
        const bool is_tool = block.kind == claude::block_kind::tool_use && !block.tool_use_id.empty();
        const std::string part = is_tool ? block.tool_use_id : part_id(id, index);
        if (is_tool) {
            open_tool tool(id, block.tool, block.payload);
            tell_part("message.part.updated", id, running_tool_part(part, tool), out);
            if (memory_.tools.size() < open_tools_max) memory_.tools.insert_or_assign(part, std::move(tool));
        } else if (block.kind == claude::block_kind::text || block.kind == claude::block_kind::thinking) {
            tell_part("message.part.completed", id, text_part(part, type_of(block.kind), block.text), out);
        } else {
            tell_part("message.part.completed", id, other_part(part, block), out);
        }
        // What was streamed of it before it was whole is of no more use to anybody.
        std::erase_if(out.ephemeral,
                      [&](const auto& e) { return e.body.find(json(part).dump()) != std::string::npos; });
    }
}

void turn_reducer::apply(const claude::user_line& m, std::int64_t now_ms, reduction& out) {
    if (m.is_replay) return;
    std::vector<json> parts;
    bool only_results = true;
    for (const auto& block : m.blocks) {
        const std::string id = part_id(m.uuid, static_cast<int>(parts.size()));
        if (block.kind == claude::block_kind::tool_result) {
            const auto found = memory_.tools.find(block.tool_use_id);
            if (found != memory_.tools.end()) {
                tell_part("message.part.completed", found->second.message_id,
                          finished_tool_part(block.tool_use_id, found->second, block), out);
                memory_.tools.erase(found);
                continue;
            }
            parts.push_back(tool_result_part(id, block));
        } else {
            only_results = false;
            parts.push_back(block.kind == claude::block_kind::text ? text_part(id, "text", block.text)
                                                                   : other_part(id, block));
        }
    }
    if (parts.empty() || m.uuid.empty()) return;
    // Prompts are told of when they are accepted. What claude adds itself, e.g. that the turn was interrupted, is no
    // person's word; only a subagent's task is a prompt.
    const char* role = only_results || !m.parent_tool_use_id.empty() ? "user" : "system";
    tell_message(m.uuid, role, m, std::move(parts), now_ms, out);
}

// As the transcript has it, so that who reads both finds one message.
void turn_reducer::apply(const claude::compact_boundary& m, std::int64_t now_ms, reduction& out) {
    if (m.uuid.empty()) return;
    json told = {{"trigger", bounded_text(m.trigger, 64)},
                 {"preTokens", m.tokens_before},
                 {"postTokens", m.tokens_after},
                 {"durationMs", m.duration_ms}};
    json part = {{"id", part_id(m.uuid, 0)}, {"type", "system"}, {"subtype", "compact_boundary"}};
    part["data"]["compactMetadata"] = std::move(told);
    json message = {{"id", m.uuid}, {"sessionId", row_.id}, {"role", "system"}, {"time", {{"created", now_ms}}}};
    message["parts"] = json::array({std::move(part)});
    json body = json::object();
    body["message"] = std::move(message);
    out.events.push_back(make_event(row_.id, "message.created", std::move(body)));
}

void turn_reducer::tell_message(const std::string& id, const char* role, const claude::user_line& line,
                                std::vector<json> parts, std::int64_t now_ms, reduction& out) {
    const std::int64_t at_ms = time_of(line.timestamp, now_ms);
    json message = {{"id", id}, {"sessionId", row_.id}, {"role", role}, {"time", {{"created", at_ms}}}};
    if (!line.parent_tool_use_id.empty()) message["parentToolUseId"] = line.parent_tool_use_id;
    message["parts"] = std::move(parts);
    row_.last_message_at = at_ms;
    json body = json::object();
    body["message"] = std::move(message);
    out.events.push_back(make_event(row_.id, "message.created", std::move(body)));
}

void turn_reducer::apply(const claude::stream_event& m, std::int64_t now_ms, reduction& out) {
    if (m.message_id.empty()) return;
    if (m.kind == claude::stream_kind::message_start) {
        message_of(m.message_id, m.model, m.parent_tool_use_id, now_ms, out);
        return;
    }
    const auto found = memory_.messages.find(m.message_id);
    if (found == memory_.messages.end() || m.index < 0) return;
    open_message& message = found->second;
    if (m.kind == claude::stream_kind::block_start) {
        message.streaming_index = m.index;
        message.streaming_part =
            m.block == claude::block_kind::tool_use ? m.tool_use_id : part_id(m.message_id, m.index);
        message.streamed_bytes = 0;
    } else if (m.kind == claude::stream_kind::block_delta && !m.delta.empty() && message.streaming_index == m.index) {
        json body = {{"messageId", m.message_id},
                     {"partId", message.streaming_part},
                     {"partType", type_of(m.block)},
                     {"offset", message.streamed_bytes},
                     {"delta", m.delta}};
        message.streamed_bytes += m.delta.size();
        out.ephemeral.push_back(make_event(row_.id, "message.part.delta", std::move(body)));
    }
}

void turn_reducer::apply(const claude::task_started& m, std::int64_t, reduction& out) {
    if (m.task_id.empty() || memory_.tasks.contains(m.task_id) || memory_.tasks.size() >= open_tools_max) return;
    memory_.tasks.emplace(m.task_id,
                          open_task(m.tool_use_id, m.subagent_type, bounded_text(m.description, 1024), m.kind));
    out.events.push_back(make_event(row_.id, "task.started",
                                    {{"taskId", m.task_id},
                                     {"toolUseId", m.tool_use_id},
                                     {"subagentType", m.subagent_type},
                                     {"kind", m.kind},
                                     {"description", bounded_text(m.description, 1024)}}));
}

void turn_reducer::apply(const claude::task_finished& m, std::int64_t, reduction& out) {
    // Once: claude repeats notifications of tasks that it tells the model about later.
    if (memory_.tasks.erase(m.task_id) == 0) return;
    out.events.push_back(make_event(row_.id, "task.finished",
                                    {{"taskId", m.task_id},
                                     {"toolUseId", m.tool_use_id},
                                     {"state", m.state},
                                     {"summary", bounded_text(m.summary, 16 * 1024)}}));
}

}  // namespace agent::session
