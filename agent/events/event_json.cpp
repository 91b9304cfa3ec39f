#include "agent/events/event_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace agent::events {

namespace {

std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The members of an object's text, without its braces.
std::string_view members(std::string_view object) {
    constexpr std::string_view white = " \t\r\n";
    const auto first = object.find('{');
    const auto last = object.rfind('}');
    if (first == std::string_view::npos || last == std::string_view::npos || last <= first) return {};
    object = object.substr(first + 1, last - first - 1);
    return object.find_first_not_of(white) == std::string_view::npos ? std::string_view() : object;
}

}  // namespace

std::string event_json(const event& e) {
    std::string out = fmt::format(R"({{"type":{},"seq":{},)", json_text(e.type), e.seq);
    out += e.ordinal < 0 ? R"("ephemeral":true)" : fmt::format(R"("ordinal":{})", e.ordinal);
    out += fmt::format(R"(,"at":{},"session_id":{})", e.at_ms, json_text(e.session_id));
    const auto rest = members(e.body);
    if (!rest.empty()) {
        out += ',';
        out += rest;
    }
    out += '}';
    return out;
}

std::string pending_json(const permission_row& row, std::int64_t seq) {
    const std::string session = json_text(row.session_id);
    return fmt::format(R"({{"type":"channel.permission_request","seq":{},"at":{},"session_id":{},"sessionId":{},)"
                       R"("request":{},"pending":true}})",
                       seq, row.created_at, session, session, request_json(row));
}

std::string gap_json(const std::string& session_id, std::int64_t seq, std::int64_t at_ms, std::string_view reason) {
    return fmt::format(R"({{"type":"stream.gap","seq":{},"at":{},"session_id":{},"reason":{}}})", seq, at_ms,
                       json_text(session_id), json_text(reason));
}

}  // namespace agent::events
