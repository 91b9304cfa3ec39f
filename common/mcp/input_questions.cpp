#include "common/mcp/input_questions.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/mcp/json_members.hpp"
#include "common/mcp/result_frame.hpp"
#include "common/mcp/rpc_text.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

std::string_view member(std::string_view object, std::string_view name) {
    const std::array<std::string_view, 1> names{name};
    std::array<std::string_view, 1> values;
    return read_members(object, names, values) ? values[0] : std::string_view{};
}

bool is_key(std::string_view key) {
    return !key.empty() && key.size() <= proto::limits::mcp_question_key_bytes_max &&
           std::ranges::all_of(key, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                      c == '-' || c == '.';
           });
}

std::string_view params_of(const input_request& question) {
    return question.params.empty() ? std::string_view("{}") : std::string_view(question.params);
}

}  // namespace

std::string_view method_of(input_kind kind) {
    switch (kind) {
        case input_kind::elicitation:
            return "elicitation/create";
        case input_kind::sampling:
            return "sampling/createMessage";
        case input_kind::roots:
            return "roots/list";
    }
    return {};
}

std::string capabilities_lacking(const client_abilities& client, std::span<const input_request> questions) {
    bool form = false, url = false, sampling = false, tools = false, roots = false;
    for (const input_request& question : questions) {
        if (question.kind == input_kind::elicitation) {
            const bool is_url = member(question.params, "mode") == "\"url\"";
            url |= is_url && !client.elicitation_url;
            form |= !is_url && !client.elicitation_form;
        } else if (question.kind == input_kind::sampling) {
            tools |= !member(question.params, "tools").empty() && !client.sampling_tools;
            sampling |= !client.sampling;
        } else {
            roots |= !client.roots;
        }
    }
    std::string lacking;
    const auto add = [&](std::string_view text) {
        if (!lacking.empty()) lacking += ',';
        lacking += text;
    };
    if (form && url) add(R"("elicitation":{"form":{},"url":{}})");
    if (form && !url) add(R"("elicitation":{"form":{}})");
    if (url && !form) add(R"("elicitation":{"url":{}})");
    if (tools) add(R"("sampling":{"tools":{}})");
    if (sampling && !tools) add(R"("sampling":{})");
    if (roots) add(R"("roots":{})");
    return lacking.empty() ? lacking : fmt::format("{{{}}}", lacking);
}

bool are_sound(std::span<const input_request> questions) {
    if (questions.empty() || questions.size() > proto::limits::mcp_questions_max) return false;
    for (std::size_t i = 0; i < questions.size(); ++i) {
        if (!is_key(questions[i].key) || kind_of(params_of(questions[i])) != json_kind::object) return false;
        const auto rest = questions.subspan(i + 1);
        if (std::ranges::find(rest, questions[i].key, &input_request::key) != rest.end()) return false;
    }
    return true;
}

std::string input_request_text(const input_request& question) {
    return fmt::format(R"({}:{{"method":"{}","params":{}}})", quote_json(question.key), method_of(question.kind),
                       params_of(question));
}

std::string question_text(std::string_view id, const input_request& question) {
    std::string params(params_of(question));
    // 2025-11-25 names an elicitation by URL; nothing refers to that name but its end, which is the answer itself.
    const bool is_url = question.kind == input_kind::elicitation && member(params, "mode") == "\"url\"";
    if (is_url && member(params, "elicitationId").empty()) {
        params = with_members(fmt::format(R"("elicitationId":{})", id), params);
    }
    return fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"{}","params":{}}})", id, method_of(question.kind),
                       params);
}

std::string question_withdrawn_text(std::string_view id, std::string_view reason) {
    return fmt::format(
        R"({{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{},"reason":{}}}}})", id,
        quote_json(reason));
}

}  // namespace common::mcp
