#include "agent/session/turn_memory.hpp"

#include "agent/claude/json_access.hpp"

namespace agent::session {
namespace {

using claude::copy_of;
using claude::flag_of;
using claude::integer_of;
using claude::member;
using claude::text_of;
using json = nlohmann::json;

// Larger inputs are not kept over a restart: the finished part then repeats the tool without them.
constexpr std::size_t kept_input_bytes_max = 64 * 1024;

json kept_input(const json& input) {
    return input.dump(-1, ' ', false, json::error_handler_t::replace).size() > kept_input_bytes_max ? json() : input;
}

template <class Map, class Write>
json table(const Map& map, Write write) {
    json out = json::object();
    for (const auto& [key, value] : map) out[key] = write(value);
    return out;
}

template <class Map, class Read>
void fill(Map& map, const json& from, const char* name, Read read) {
    const auto* values = member(from, name);
    if (!values || !values->is_object()) return;
    for (const auto& [key, value] : values->items()) map.emplace(key, read(value));
}

}  // namespace

std::string to_json(const turn_memory& memory) {
    json out = {{"announced", memory.announced},      {"generation", memory.generation},
                {"counter", memory.counter},          {"turnOpen", memory.turn_open},
                {"lastMessage", memory.last_message}, {"askedModel", memory.asked_model},
                {"askedMode", memory.asked_mode},     {"ownWords", memory.own_words}};
    out["messages"] = table(memory.messages, [](const open_message& m) {
        return json{{"order", m.order},         {"next", m.next_index},
                    {"parent", m.parent},       {"streaming", m.streaming_index},
                    {"part", m.streaming_part}, {"bytes", m.streamed_bytes}};
    });
    out["tools"] = table(memory.tools, [](const open_tool& t) {
        return json{{"message", t.message_id}, {"tool", t.tool}, {"input", kept_input(t.input)}};
    });
    out["tasks"] = table(memory.tasks, [](const open_task& t) {
        return json{
            {"tool", t.tool_use_id}, {"agent", t.subagent_type}, {"description", t.description}, {"kind", t.kind}};
    });
    out["prompts"] = table(memory.prompts, [](const open_prompt& p) {
        return json{{"order", p.order}, {"progress", static_cast<int>(p.progress)}, {"began", p.began_turn}};
    });
    out["permissions"] = memory.permissions;
    out["expiries"] = memory.expiries;
    out["expiryS"] = memory.expiry_s;
    out["grants"] = json::array();
    for (const auto& g : memory.grants)
        out["grants"].push_back({{"id", g.id}, {"rule", g.rule}, {"by", g.by}, {"kind", g.by_kind}, {"at", g.at_ms}});
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

turn_memory memory_from_json(const std::string& text) {
    turn_memory out;
    const json from = json::parse(text, nullptr, false);
    if (!from.is_object()) return out;
    out.announced = flag_of(from, "announced");
    out.generation = integer_of(from, "generation");
    out.counter = integer_of(from, "counter");
    out.asked_model = text_of(from, "askedModel");
    out.asked_mode = text_of(from, "askedMode");
    out.turn_open = flag_of(from, "turnOpen");
    out.last_message = text_of(from, "lastMessage");
    out.own_words = text_of(from, "ownWords");
    fill(out.messages, from, "messages", [](const json& m) {
        open_message message;
        message.order = integer_of(m, "order");
        message.next_index = static_cast<int>(integer_of(m, "next"));
        message.parent = text_of(m, "parent");
        message.streaming_index = static_cast<int>(integer_of(m, "streaming"));
        message.streaming_part = text_of(m, "part");
        message.streamed_bytes = static_cast<std::uint64_t>(integer_of(m, "bytes"));
        return message;
    });
    fill(out.tools, from, "tools",
         [](const json& t) { return open_tool(text_of(t, "message"), text_of(t, "tool"), copy_of(t, "input")); });
    fill(out.tasks, from, "tasks", [](const json& t) {
        return open_task(text_of(t, "tool"), text_of(t, "agent"), text_of(t, "description"), text_of(t, "kind"));
    });
    fill(out.prompts, from, "prompts", [](const json& p) {
        open_prompt prompt;
        prompt.order = integer_of(p, "order");
        const auto progress = integer_of(p, "progress");
        prompt.progress = progress == 3   ? prompt_progress::waiting
                          : progress == 2 ? prompt_progress::started
                          : progress == 1 ? prompt_progress::queued
                                          : prompt_progress::accepted;
        prompt.began_turn = flag_of(p, "began");
        return prompt;
    });
    fill(out.permissions, from, "permissions",
         [](const json& tool) { return tool.is_string() ? tool.get<std::string>() : std::string(); });
    fill(out.expiries, from, "expiries",
         [](const json& at) { return at.is_number_integer() ? at.get<std::int64_t>() : 0; });
    out.expiry_s = integer_of(from, "expiryS");
    for (const auto& g : copy_of(from, "grants", json::array()))
        out.grants.emplace_back(text_of(g, "id"), text_of(g, "rule"), text_of(g, "by"), text_of(g, "kind"),
                                integer_of(g, "at"));
    return out;
}

}  // namespace agent::session
