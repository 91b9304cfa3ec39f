#include "agent/claude/stream_encode.hpp"

#include <utility>

namespace agent::claude {
namespace {

using json = nlohmann::json;

std::string line(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string control(std::string_view request_id, json request) {
    json out = {{"type", "control_request"}, {"request_id", request_id}};
    out["request"] = std::move(request);
    return line(out);
}

std::string answer(std::string_view request_id, json response) {
    json body = {{"subtype", "success"}, {"request_id", request_id}};
    body["response"] = std::move(response);
    json out = {{"type", "control_response"}};
    out["response"] = std::move(body);
    return line(out);
}

}  // namespace

command command_in(std::string_view prompt) {
    const auto word = prompt.substr(0, prompt.find_first_of(" \t\r\n"));
    if (word == "/compact") return command::compact;
    if (word == "/clear" || word == "/reset" || word == "/new") return command::clear;
    return command::none;
}

std::string encode_prompt(std::string_view uuid, std::string_view text, const std::vector<image>& images) {
    json out = {{"type", "user"}, {"parent_tool_use_id", nullptr}, {"uuid", uuid}};
    if (command_in(text) != command::compact) out["client_composed"] = true;
    json content = text;
    if (!images.empty()) {
        content = json::array();
        for (const auto& one : images) {
            json source = {{"type", "base64"}, {"media_type", one.media_type}, {"data", one.base64}};
            content.push_back({{"type", "image"}, {"source", std::move(source)}});
        }
        content.push_back({{"type", "text"}, {"text", text}});
    }
    out["message"] = {{"role", "user"}, {"content", std::move(content)}};
    return line(out);
}

std::string encode_initialize(std::string_view request_id, json members) {
    members["subtype"] = "initialize";
    return control(request_id, std::move(members));
}

std::string encode_interrupt(std::string_view request_id) {
    return control(request_id, json{{"subtype", "interrupt"}, {"cancel_queued", true}});
}

std::string encode_set_permission_mode(std::string_view request_id, std::string_view mode) {
    return control(request_id, json{{"subtype", "set_permission_mode"}, {"mode", mode}});
}

std::string encode_rename(std::string_view request_id, std::string_view title) {
    return control(request_id, json{{"subtype", "rename_session"}, {"title", title}, {"source", "host"}});
}

std::string encode_set_model(std::string_view request_id, std::string_view model) {
    return control(request_id, json{{"subtype", "set_model"}, {"model", model}});
}

std::string encode_set_effort(std::string_view request_id, std::string_view level) {
    const json settings{{"effortLevel", level}};
    return control(request_id, json{{"subtype", "apply_flag_settings"}, {"settings", settings}});
}

std::string encode_rewind_files(std::string_view request_id, std::string_view prompt_uuid, bool dry_run) {
    json request{{"subtype", "rewind_files"}, {"user_message_id", prompt_uuid}};
    if (dry_run) request["dry_run"] = true;
    return control(request_id, request);
}

std::string encode_end_session(std::string_view request_id, std::string_view reason) {
    return control(request_id, json{{"subtype", "end_session"}, {"reason", reason}});
}

std::string encode_allow(std::string_view request_id, const json& updated_input, const json& updated_permissions) {
    json response = {{"behavior", "allow"}};
    if (!updated_input.is_null()) response["updatedInput"] = updated_input;
    if (!updated_permissions.is_null()) response["updatedPermissions"] = updated_permissions;
    return answer(request_id, std::move(response));
}

std::string encode_deny(std::string_view request_id, std::string_view message, after_denial then) {
    // Claude refuses a denial without a text.
    const std::string_view text = message.empty() ? "The user did not allow this." : message;
    return answer(request_id,
                  json{{"behavior", "deny"}, {"message", text}, {"interrupt", then == after_denial::interrupt}});
}

std::string encode_refusal(std::string_view request_id, std::string_view subtype) {
    json body = {{"subtype", "error"}, {"request_id", request_id}};
    body["error"] = "Unsupported control request subtype: " + std::string(subtype);
    json out = {{"type", "control_response"}};
    out["response"] = std::move(body);
    return line(out);
}

}  // namespace agent::claude
