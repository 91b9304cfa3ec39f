#include "common/mcp/method_answer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/json_members.hpp"
#include "common/mcp/rpc_text.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

constexpr std::size_t cursor_bytes_max = 8 * proto::limits::kib;
constexpr std::size_t position_bytes_max = 2 * proto::limits::kib;

std::unexpected<protocol_error> refused(protocol_error error) { return std::unexpected(std::move(error)); }

std::string cursor_purpose(const request_context& context, std::string_view method) {
    return fmt::format("mcp-cursor-1/{}/{}", method, context.who.key());
}

// Where the page begins that the request asks for; nullopt for a cursor that is not ours.
std::optional<std::string> read_cursor(const request_context& context, const message& request) {
    constexpr std::array<std::string_view, 1> names{"cursor"};
    std::array<std::string_view, 1> values;
    if (!read_members(request.params, names, values)) return std::nullopt;
    if (values[0].empty()) return std::string();
    const std::optional<std::string> sealed = decode_string(values[0], cursor_bytes_max);
    if (!sealed || sealed->empty()) return std::nullopt;
    return context.options.open(*sealed, cursor_purpose(context, request.method));
}

struct list_method {
    std::string_view name;
    std::string_view member;
    bool offered_features::* offered;
    backend::page (backend::*page)(const list_request&);
};
constexpr std::array<list_method, 3> list_methods{{
    {"prompts/list", "prompts", &offered_features::prompts, &backend::list_prompts},
    {"resources/list", "resources", &offered_features::resources, &backend::list_resources},
    {"resources/templates/list", "resourceTemplates", &offered_features::resources, &backend::list_resource_templates},
}};

boost::asio::awaitable<method_answer> answer_list(request_context& context, const message& request,
                                                  const list_method& method) {
    const std::optional<std::string> position = read_cursor(context, request);
    if (!position) co_return refused(invalid_params("\"cursor\" is not one of ours; list without it."));
    list_request wanted;
    context.describe(wanted, context.request_id);
    wanted.position = *position;
    const proto::result<list_page> page = co_await (context.tools.*method.page)(wanted);
    if (!page) co_return refused(to_protocol_error(page.error(), context.request_id));
    short_result result{fmt::format(R"({{"{}":{})", method.member, page->items), result_kind::list};
    if (!page->next.empty() && page->next.size() <= position_bytes_max) {
        const std::string cursor = context.options.seal(page->next, cursor_purpose(context, request.method));
        result.object += fmt::format(R"(,"nextCursor":{})", quote_json(cursor));
    }
    result.object += '}';
    co_return result;
}

method_answer list_tools(request_context& context, const message& request) {
    // The list is one page, so there is no cursor that could be valid: many clients read the first page only.
    constexpr std::array<std::string_view, 1> names{"cursor"};
    std::array<std::string_view, 1> values;
    if (!read_members(request.params, names, values) || !values[0].empty()) {
        return refused(invalid_params("\"cursor\" is not one of ours; list the tools without it."));
    }
    return short_result{fmt::format(R"({{"tools":{}}})", context.tools.tools(context.who)), result_kind::list};
}

struct completion_parameters {
    bool is_prompt = false;
    std::string reference, argument, value;
    std::string_view arguments_set = "{}";
};

std::optional<completion_parameters> read_completion(const message& request) {
    const auto members = [](std::string_view object, std::array<std::string_view, 3> names) {
        std::array<std::string_view, 3> values;
        return read_members(object, names, values) ? values : std::array<std::string_view, 3>{};
    };
    const auto [ref, argument, context] = members(request.params, {"ref", "argument", "context"});
    const auto [type, ref_name, uri] = members(ref, {"type", "name", "uri"});
    const auto [name, value, none] = members(argument, {"name", "value", ""});
    const auto [arguments, none_1, none_2] = members(context, {"arguments", "", ""});

    completion_parameters parameters;
    parameters.is_prompt = type == R"("ref/prompt")";
    if (!parameters.is_prompt && type != R"("ref/resource")") return std::nullopt;
    const auto reference = decode_string(parameters.is_prompt ? ref_name : uri, proto::limits::mcp_uri_bytes_max);
    const auto argument_name = decode_string(name, proto::limits::name_bytes_max);
    const auto typed = decode_string(value, proto::limits::path_bytes_max);
    const bool is_set_object = arguments.empty() || kind_of(arguments) == json_kind::object;
    if (!reference || !argument_name || !typed || !is_set_object) return std::nullopt;
    parameters.reference = *reference;
    parameters.argument = *argument_name;
    parameters.value = *typed;
    if (!arguments.empty()) parameters.arguments_set = arguments;
    return parameters;
}

boost::asio::awaitable<method_answer> complete(request_context& context, const message& request) {
    const std::optional<completion_parameters> parameters = read_completion(request);
    if (!parameters) {
        co_return refused(
            invalid_params("\"ref\" names a prompt or a resource template and \"argument\" what is typed."));
    }
    completion_request wanted;
    context.describe(wanted, context.request_id);
    wanted.is_prompt = parameters->is_prompt;
    wanted.reference = parameters->reference;
    wanted.argument = parameters->argument;
    wanted.value = parameters->value;
    wanted.arguments_set = parameters->arguments_set;
    const proto::result<completion> found = co_await context.tools.complete(wanted);
    if (!found) co_return refused(to_protocol_error(found.error(), context.request_id));
    const std::size_t count = std::min(found->values.size(), proto::limits::mcp_completions_max);
    std::string values;
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) values += ',';
        values += quote_json(found->values[i]);
    }
    const bool has_more = found->has_more || count < found->values.size();
    co_return short_result{fmt::format(R"({{"completion":{{"values":[{}],"hasMore":{}}}}})", values, has_more)};
}

}  // namespace

protocol_error invalid_params(std::string message) {
    return {rpc_code::invalid_params, "Invalid params: " + std::move(message), {}};
}

protocol_error missing_capability(std::string_view required) {
    return {rpc_code::missing_client_capability,
            "This needs a client with the capabilities in data.requiredCapabilities.",
            fmt::format(R"({{"requiredCapabilities":{}}})", required)};
}

protocol_error to_protocol_error(const proto::error& error, std::string_view request_id) {
    using proto::error_code;
    switch (error.code) {
        case error_code::not_found:
        case error_code::invalid_argument:
        case error_code::cursor_invalid:
        case error_code::cursor_expired:
            return invalid_params(error.message);
        default:
            return {rpc_code::internal_error, error.message, proto::to_json(error, request_id)};
    }
}

boost::asio::awaitable<method_answer> answer_method(request_context& context, const message& request) {
    if (request.method == "tools/list") co_return list_tools(context, request);
    for (const list_method& method : list_methods) {
        if (method.name != request.method || !(context.offered.*method.offered)) continue;
        co_return co_await answer_list(context, request, method);
    }
    if (request.method == "completion/complete" && context.offered.completions) {
        co_return co_await complete(context, request);
    }
    co_return refused({rpc_code::method_not_found, fmt::format("Method not found: {}", request.method), {}});
}

std::string server_capabilities(const offered_features& offered, bool is_modern) {
    std::string text = fmt::format(R"({{"tools":{{"listChanged":{}}})", offered.tools_list_changed);
    if (offered.prompts) text += fmt::format(R"(,"prompts":{{"listChanged":{}}})", offered.prompts_list_changed);
    if (offered.resources) {
        text += fmt::format(R"(,"resources":{{"subscribe":{},"listChanged":{}}})", offered.resources_subscribe,
                            offered.resources_list_changed);
    }
    if (offered.completions) text += R"(,"completions":{})";
    if (offered.logging) text += R"(,"logging":{})";
    if (offered.tasks && is_modern) text += R"(,"extensions":{"io.modelcontextprotocol/tasks":{}})";
    return text + '}';
}

}  // namespace common::mcp
