#include "common/mcp/run_parameters.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/json_members.hpp"
#include "common/mcp/param_headers.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

constexpr std::size_t request_state_bytes_max = 64 * proto::limits::kib;

std::unexpected<std::string> invalid(std::string_view what) {
    return std::unexpected(fmt::format("Invalid params: {}", what));
}

// Of a prompt: an object whose values are strings.
bool are_strings(std::string_view arguments) {
    bool are = true;
    for_each_member(arguments, [&](std::string_view, std::string_view value) {
        are &= kind_of(value) == json_kind::string;
        return are;
    });
    return are;
}

}  // namespace

std::expected<run_parameters, std::string> read_run_parameters(const message& request, run_method method,
                                                               bool is_modern) {
    const bool is_resource = method == run_method::read_resource;
    const std::array<std::string_view, 4> names{is_resource ? "uri" : "name", "arguments", "inputResponses",
                                                "requestState"};
    std::array<std::string_view, 4> values;
    if (!read_members(request.params, names, values)) {
        return invalid(
            fmt::format("\"{}\", \"arguments\", \"inputResponses\" or \"requestState\" occurs twice.", names[0]));
    }
    const auto& [name, arguments, responses, state] = values;

    run_parameters parameters;
    const std::size_t name_bytes_max = is_resource ? proto::limits::mcp_uri_bytes_max : proto::limits::name_bytes_max;
    std::optional<std::string> decoded = decode_string(name, name_bytes_max);
    if (!decoded) return invalid(fmt::format("\"{}\" must be a string of at most {} bytes.", names[0], name_bytes_max));
    parameters.name = *std::move(decoded);

    if (!arguments.empty() && !is_resource) {
        if (kind_of(arguments) != json_kind::object) return invalid("\"arguments\" must be an object.");
        if (method == run_method::get_prompt && !are_strings(arguments)) {
            return invalid("a prompt's \"arguments\" must be strings.");
        }
        parameters.arguments = arguments;
    }

    constexpr std::array<std::string_view, 1> token_name{"progressToken"};
    std::array<std::string_view, 1> token;
    const bool is_unique = read_members(request.meta, token_name, token);
    const json_kind kind = kind_of(token[0]);
    const bool is_token = kind == json_kind::none || kind == json_kind::string || kind == json_kind::integer;
    if (!is_unique || !is_token || token[0].size() > rpc_id_bytes_max) {
        return invalid(
            fmt::format("_meta.progressToken must be one string or integer of at most {} bytes.", rpc_id_bytes_max));
    }
    parameters.progress_token = token[0];
    if (!is_modern) return parameters;

    if (!responses.empty() && kind_of(responses) != json_kind::object) {
        return invalid("\"inputResponses\" must be an object.");
    }
    parameters.input_responses = responses;
    if (!state.empty()) {
        std::optional<std::string> text = decode_string(state, request_state_bytes_max);
        if (!text || text->empty()) return invalid("\"requestState\" must be the string that was sent to you.");
        parameters.request_state = *std::move(text);
    }
    return parameters;
}

std::string check_param_fields(const request_context& context, const run_parameters& parameters) {
    const net::http_fields& fields = context.exchange.request().fields;
    for (const header_parameter& parameter : context.tools.header_parameters(parameters.name)) {
        const std::string field = "Mcp-Param-" + parameter.header;
        const bool is_single = fields.count(field) <= 1;
        if (is_single && field_matches(parameter, parameters.arguments, fields.find(field))) continue;
        return fmt::format("Header mismatch: the field {} must say what the argument \"{}\" says.", field,
                           parameter.path.back());
    }
    return {};
}

}  // namespace common::mcp
