#include "common/mcp/legacy_session_methods.hpp"

#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/change_stream.hpp"
#include "common/mcp/json_members.hpp"
#include "common/mcp/session_id.hpp"
#include "common/mcp/shared_state.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

constexpr std::size_t tag_length = 16;

// Of the parameters; empty if it is absent. Nullopt if it occurs twice.
std::optional<std::string_view> parameter(const message& m, std::string_view name) {
    const std::array<std::string_view, 1> names{name};
    std::array<std::string_view, 1> values;
    if (!read_members(m.params, names, values)) return std::nullopt;
    return values[0];
}

std::unexpected<protocol_error> refused(protocol_error error) { return std::unexpected(std::move(error)); }

method_answer set_level(request_context& context, const message& request) {
    constexpr std::size_t level_bytes_max = 16;
    const std::string name = decode_string(parameter(request, "level").value_or(""), level_bytes_max).value_or("");
    const std::optional<log_level> level = parse_log_level(name);
    if (!level) return refused(invalid_params("\"level\" must be a level such as \"info\"."));
    // Without a session there is nothing to set it in: each request gets the default.
    if (!context.terms.session.empty()) live_session_of(context)->log_from(*level);
    return short_result{"{}"};
}

method_answer subscribe(request_context& context, const message& request, bool is_on) {
    const std::optional<std::string> uri =
        decode_string(parameter(request, "uri").value_or(""), proto::limits::mcp_uri_bytes_max);
    if (!uri || uri->empty()) return refused(invalid_params("\"uri\" must be a resource's URI."));
    if (context.terms.session.empty()) {
        return refused(invalid_params("subscriptions belong to a session; send initialize first."));
    }
    const std::shared_ptr<live_session> session = live_session_of(context);
    if (!is_on) {
        session->changes()->forget_resource(*uri);
        return short_result{"{}"};
    }
    if (!context.tools.may_watch(context.who, *uri)) {
        protocol_error unknown{rpc_code::resource_not_found, "There is no such resource that you may watch.", {}};
        unknown.data = fmt::format(R"({{"uri":{}}})", quote_json(*uri));
        return refused(std::move(unknown));
    }
    if (!session->changes()->watch_resource(*uri, context.options.watched_max)) {
        return refused(
            {rpc_code::internal_error, "This session watches too many resources. Unsubscribe from some.", {}});
    }
    const change_feed::refusal full = context.shared.sessions.connect(session->changes());
    if (full != change_feed::refusal::none) {
        return refused({rpc_code::internal_error, too_many_streams(full).message, {}});
    }
    return short_result{"{}"};
}

}  // namespace

std::shared_ptr<live_session> live_session_of(request_context& context) {
    live_sessions& sessions = context.shared.sessions;
    if (auto known = sessions.find(context.terms.session)) return known;
    const offered_features& offered = context.offered;
    const std::array<bool, 3> lists{offered.tools_list_changed, offered.prompts_list_changed,
                                    offered.resources_list_changed};
    return sessions.keep(context.terms.session,
                         std::make_shared<live_session>(context.options.random_token(tag_length), context.who, lists));
}

method_answer initialize(request_context& context, const message& request, response_stream& answer) {
    const std::optional<std::string_view> raw = parameter(request, "protocolVersion");
    if (!raw || kind_of(*raw) != json_kind::string) {
        return refused(invalid_params("\"protocolVersion\" must be one string, such as \"2025-11-25\"."));
    }
    constexpr std::size_t version_bytes_max = 64;
    const std::string_view version = negotiate_version(decode_string(*raw, version_bytes_max).value_or(""));
    const client_abilities client = read_abilities(parameter(request, "capabilities").value_or(""));
    const engine_options& options = context.options;
    answer.add_field("Mcp-Session-Id", seal_session(options, context.who.key(), version, client));

    std::string result = fmt::format(R"({{"protocolVersion":{},"capabilities":{},"serverInfo":{})", quote_json(version),
                                     server_capabilities(context.offered, false), server_info(options));
    const std::string instructions = context.tools.instructions();
    if (!instructions.empty()) result += fmt::format(R"(,"instructions":{})", quote_json(instructions));
    result += '}';
    return short_result{std::move(result)};
}

method_answer answer_session_method(request_context& context, const message& request) {
    if (request.method == "ping") return short_result{"{}"};
    if (request.method == "logging/setLevel" && context.offered.logging) return set_level(context, request);
    if (context.offered.resources_subscribe) {
        if (request.method == "resources/subscribe") return subscribe(context, request, true);
        if (request.method == "resources/unsubscribe") return subscribe(context, request, false);
    }
    return refused({rpc_code::method_not_found, fmt::format("Method not found: {}", request.method), {}});
}

}  // namespace common::mcp
