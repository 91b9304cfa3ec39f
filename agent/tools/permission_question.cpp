#include "agent/tools/permission_question.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/tools/tool.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

using nlohmann::json;

namespace {

constexpr std::size_t key_digits = 32;
constexpr std::size_t answer_bytes_max = 64 * proto::limits::kib;
constexpr std::size_t message_characters_max = 2000;
constexpr std::size_t message_bytes_max = 4 * message_characters_max;  // UTF-8

// claude's ids are any text, keys of questions are names.
std::string key_of(const session::pending_permission& request) {
    const std::string digest = common::crypto::hex_encode(common::crypto::sha256(request.request_id));
    return "permission-" + digest.substr(0, key_digits);
}

json form() {
    const json decision{{"type", "string"},
                        {"title", "Decision"},
                        {"description", "allow: the tool runs. deny: claude goes on without it."},
                        {"enum", {"allow", "deny"}}};
    const json message{{"type", "string"},
                       {"title", "Message"},
                       {"description", "With deny: what claude should know or do instead."},
                       {"maxLength", message_characters_max}};
    return {
        {"type", "object"}, {"properties", {{"decision", decision}, {"message", message}}}, {"required", {"decision"}}};
}

}  // namespace

std::optional<common::mcp::input_request> question_for(const session::pending_permission& request,
                                                       const session::summary& of) {
    // A question of claude's own wants its options chosen, not a permission.
    if (request.tool_name == "AskUserQuestion" || request.tool_name.size() > proto::limits::name_bytes_max)
        return std::nullopt;
    const std::string session = of.title.empty() ? of.id : fmt::format("\"{}\" ({})", of.title, of.id);
    const std::string text = fmt::format("Claude asks for permission to use {} in the session {}.\n\n{}",
                                         request.tool_name, session, request.input_preview);
    return common::mcp::input_request{key_of(request), common::mcp::input_kind::elicitation,
                                      dump(json{{"message", text}, {"requestedSchema", form()}})};
}

std::optional<session::permission_answer> decision_in(std::string_view elicit_result,
                                                      const session::pending_permission& request) {
    if (elicit_result.size() > answer_bytes_max) return std::nullopt;
    const json result = json::parse(elicit_result, nullptr, false);
    const json content =
        result.is_object() && result.value("action", json()) == "accept" ? result.value("content", json()) : json();
    const json decision = content.is_object() ? content.value("decision", json()) : json();
    const json message = content.is_object() ? content.value("message", json("")) : json();
    if ((decision != "allow" && decision != "deny") || !message.is_string()) return std::nullopt;
    session::permission_answer out;
    out.session_id = request.session_id;
    out.request_id = request.request_id;
    if (decision == "allow") {
        out.behavior = session::permission_behavior::allow;  // and there is nobody to tell the message
        return out;
    }
    out.behavior = session::permission_behavior::deny;
    out.message = message.get<std::string>();
    if (out.message.size() > message_bytes_max) return std::nullopt;
    return out;
}

}  // namespace agent::tools
