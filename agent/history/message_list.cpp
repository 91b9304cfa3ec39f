#include "agent/history/message_list.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace agent::history {

namespace dom = simdjson::dom;

namespace {

// As in the live events: a text is cut, a value that is too large is replaced by a note.
constexpr std::size_t text_bytes_max = 512 * 1024;
constexpr std::size_t value_bytes_max = 256 * 1024;
constexpr std::size_t preview_bytes = 4096;
constexpr std::size_t open_tools_max = 4096;

std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string bounded_value(dom::element value) {
    std::string raw = simdjson::minify(value);
    if (raw.size() <= value_bytes_max) return raw;
    return fmt::format(R"({{"truncated":true,"bytes":{},"preview":{}}})", raw.size(),
                       json_text(cut(raw, preview_bytes)));
}

std::string text_part(const std::string& id, std::string_view type, std::string_view text) {
    return fmt::format(R"({{"id":{},"type":"{}","text":{}{}}})", json_text(id), type,
                       json_text(cut(text, text_bytes_max)),
                       text.size() > text_bytes_max ? R"(,"truncated":true)" : "");
}

std::string system_part(const std::string& id, std::string_view subtype, const std::string& data) {
    return fmt::format(R"({{"id":{},"type":"system","subtype":{},"data":{}}})", json_text(id), json_text(subtype),
                       data);
}

// The content of a tool result: a text, or blocks of which the texts count.
std::string result_text(dom::element content) {
    std::string_view whole;
    if (!content.get(whole)) return std::string(cut(whole, value_bytes_max));
    std::string out;
    dom::array blocks;
    if (content.get(blocks)) return out;
    for (const dom::element block : blocks) {
        const auto text = text_of(block, "text");
        if (text.empty()) continue;
        if (!out.empty()) out += '\n';
        out += text;
        if (out.size() > value_bytes_max) break;
    }
    return std::string(cut(out, value_bytes_max));
}

std::string tool_result(dom::element block, bool with_text) {
    dom::element content;
    if (block["content"].get(content)) return with_text ? R"("result":null,"resultText":"")" : R"("content":null)";
    if (!with_text) return R"("content":)" + bounded_value(content);
    return fmt::format(R"("result":{},"resultText":{})", bounded_value(content), json_text(result_text(content)));
}

// What a system record tells, without the bookkeeping around it.
std::string system_data(dom::element all) {
    std::string out;
    const auto add = [&out](std::string_view name, const std::string& raw) {
        if (!out.empty()) out += ',';
        out += fmt::format(R"("{}":{})", name, raw);
    };
    for (const std::string_view name :
         {"content", "level", "compactMetadata", "retryAttempt", "maxRetries", "retryInMs"}) {
        dom::element value;
        if (!all[name].get(value)) add(name, bounded_value(value));
    }
    std::string_view formatted;
    if (!all["error"]["formatted"].get(formatted)) add("message", json_text(cut(formatted, preview_bytes)));
    return "{" + out + "}";
}

}  // namespace

void message_list::see(const record& r) {
    if (r.hidden || r.uuid.empty()) return;
    if (r.type == "assistant")
        see_assistant(r);
    else if (r.type == "user")
        see_user(r);
    else if (r.type == "system")
        see_system(r);
    drop_beyond_bounds();
}

std::shared_ptr<message_list::message> message_list::make(std::string_view id, std::string_view role,
                                                          std::int64_t at_ms) const {
    auto m = std::make_shared<message>();
    m->id = id;
    m->role = role;
    m->created = at_ms;
    return m;
}

void message_list::keep(const std::shared_ptr<message>& m) {
    bytes_ += m->bytes;
    by_id_[m->id] = m;
    messages_.push_back(m);
}

void message_list::add_part(message& m, std::string part) {
    m.bytes += part.size();
    m.parts.push_back(std::move(part));
}

void message_list::see_assistant(const record& r) {
    dom::element content_of;
    if (r.all["message"].get(content_of)) return;
    auto id = text_of(content_of, "id");
    if (id.empty()) id = r.uuid;
    const auto known = by_id_.find(std::string(id));
    auto m = known == by_id_.end() ? nullptr : known->second.lock();
    if (!m) {
        m = make(id, "assistant", r.at_ms);
        m->model = text_of(content_of, "model");
        keep(m);
    } else if (r.at_ms > m->created) {
        m->updated = r.at_ms;
    }
    const std::size_t before = m->bytes;
    dom::array blocks;
    if (content_of["content"].get(blocks)) return;
    for (const dom::element block : blocks) add_block(m, block);
    bytes_ += m->bytes - before;
}

void message_list::add_block(const std::shared_ptr<message>& m, dom::element block) {
    const std::string id = m->id + ":" + std::to_string(m->blocks++);
    const auto type = text_of(block, "type");
    if (type == "text" || type == "thinking") return add_part(*m, text_part(id, type, text_of(block, type)));
    const auto tool_use_id = text_of(block, "id");
    if (type != "tool_use" || tool_use_id.empty()) return add_part(*m, system_part(id, "block", bounded_value(block)));

    dom::element input;
    const bool has_input = !block["input"].get(input);
    std::string head =
        fmt::format(R"({{"id":{},"type":"tool_use","tool":{},"input":{},"state":)", json_text(tool_use_id),
                    json_text(text_of(block, "name")), has_input ? bounded_value(input) : "{}");
    if (tools_.size() < open_tools_max) tools_[std::string(tool_use_id)] = {m, m->parts.size(), head};
    add_part(*m, head + R"("running"})");
}

bool message_list::join_result(dom::element block, std::int64_t at_ms) {
    const auto found = tools_.find(std::string(text_of(block, "tool_use_id")));
    if (found == tools_.end()) return false;
    const open_tool tool = std::move(found->second);
    tools_.erase(found);
    const auto m = tool.where.lock();
    if (!m) return true;  // its call is beyond the bounds
    const bool failed = flag_of(block, "is_error");
    std::string part = tool.head + (failed ? R"("error",)" : R"("completed",)") + tool_result(block, true) + "}";
    bytes_ += part.size() - m->parts[tool.part].size();
    m->bytes += part.size() - m->parts[tool.part].size();
    m->parts[tool.part] = std::move(part);
    m->updated = at_ms;
    return true;
}

void message_list::see_user(const record& r) {
    dom::element content;
    if (r.all["message"]["content"].get(content) || by_id_.contains(std::string(r.uuid))) return;
    auto m = make(r.uuid, "user", r.at_ms);
    std::string_view text;
    dom::array blocks;
    if (flag_of(r.all, "isCompactSummary")) {
        m->role = "system";  // Claude's own words to itself
        add_part(*m, system_part(m->id + ":0", "compact_summary", R"({"content":)" + bounded_value(content) + "}"));
    } else if (!content.get(text)) {
        add_part(*m, text_part(m->id + ":0", "text", text));
    } else if (!content.get(blocks)) {
        for (const dom::element block : blocks) {
            if (text_of(block, "type") != "tool_result") {
                add_block(m, block);
            } else if (!join_result(block, r.at_ms)) {
                add_part(*m, fmt::format(R"({{"id":{},"type":"tool_result","toolUseId":{},"isError":{},{}}})",
                                         json_text(m->id + ":" + std::to_string(m->blocks++)),
                                         json_text(text_of(block, "tool_use_id")), flag_of(block, "is_error"),
                                         tool_result(block, false)));
            }
        }
    }
    if (!m->parts.empty()) keep(m);
}

void message_list::see_system(const record& r) {
    constexpr std::array<std::string_view, 4> told{"compact_boundary", "api_error", "local_command", "model_fallback"};
    const auto subtype = text_of(r.all, "subtype");
    if (std::ranges::find(told, subtype) == told.end() || by_id_.contains(std::string(r.uuid))) return;
    auto m = make(r.uuid, "system", r.at_ms);
    add_part(*m, system_part(m->id + ":0", subtype, system_data(r.all)));
    keep(m);
}

void message_list::drop_beyond_bounds() {
    while (messages_.size() > 1 && (messages_.size() > messages_max_ || bytes_ > bytes_max_)) {
        bytes_ -= messages_.front()->bytes;
        by_id_.erase(messages_.front()->id);
        messages_.pop_front();
        dropped_ = true;
    }
}

std::vector<std::string> message_list::json() const {
    std::vector<std::string> out;
    for (const auto& m : messages_) {
        std::string text =
            fmt::format(R"({{"id":{},"sessionId":{},"role":"{}",)", json_text(m->id), json_text(session_id_), m->role);
        if (!m->model.empty()) text += fmt::format(R"("model":{},)", json_text(m->model));
        text += fmt::format(R"("time":{{"created":{})", m->created);
        if (m->updated > m->created) text += fmt::format(R"(,"updated":{})", m->updated);
        text += "},\"parts\":[";
        for (std::size_t i = 0; i < m->parts.size(); ++i) {
            if (i > 0) text += ',';
            text += m->parts[i];
        }
        out.push_back(text + "]}");
    }
    return out;
}

}  // namespace agent::history
