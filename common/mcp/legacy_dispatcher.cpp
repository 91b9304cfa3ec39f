#include "common/mcp/legacy_dispatcher.hpp"

#include <array>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/call_tool.hpp"
#include "common/mcp/era.hpp"
#include "common/mcp/json_members.hpp"

namespace common::mcp {
namespace {

constexpr std::string_view session_field = "Mcp-Session-Id";

rejection invalid_request(std::string message, std::string_view id = {}) {
    rejection refused;
    refused.message = "Invalid request: " + std::move(message);
    refused.id = id;
    return refused;
}

// The id to name in a refusal of the whole body.
std::string_view id_of(const posted_body& body) { return body.is_batch ? std::string_view{} : body.messages[0].id; }

std::optional<rejection> check_order(const posted_body& body, std::string_view version, bool has_session) {
    if (body.is_batch && version != batch_version) {
        return invalid_request(
            fmt::format("protocol version {} has no batches; send the messages one by one.", version));
    }
    for (const message& m : body.messages) {
        if (m.method != "initialize") continue;
        if (body.is_batch) return invalid_request("initialize cannot be part of a batch.");
        if (has_session) {
            return invalid_request(
                "this session is initialized already; send initialize without Mcp-Session-Id for a new one.", m.id);
        }
    }
    return std::nullopt;
}

// Of the parameters; empty if it is absent. Nullopt if it occurs twice.
std::optional<std::string_view> parameter(const message& m, std::string_view name) {
    const std::array<std::string_view, 1> names{name};
    std::array<std::string_view, 1> values;
    if (!read_members(m.params, names, values)) return std::nullopt;
    return values[0];
}

void take_notification(request_context& context, const message& m, const std::string& scope) {
    if (m.kind != message_kind::notification || m.method != "notifications/cancelled") return;
    const std::optional<std::string_view> id = parameter(m, "requestId");
    if (id && !id->empty()) context.calls.cancel(scope, *id);
}

std::string initialize(request_context& context, const message& request, response_stream& answer) {
    const std::optional<std::string_view> raw = parameter(request, "protocolVersion");
    if (!raw || kind_of(*raw) != json_kind::string) {
        return error_text(request.id, rpc_code::invalid_params,
                          "Invalid params: \"protocolVersion\" must be one string, such as \"2025-11-25\".");
    }
    constexpr std::size_t version_bytes_max = 64;
    const std::string_view version = negotiate_version(decode_string(*raw, version_bytes_max).value_or(""));
    const engine_options& options = context.options;
    answer.add_field(std::string(session_field), seal_session(options, context.who.key(), version));

    std::string result = fmt::format(R"({{"protocolVersion":{},"capabilities":{{"tools":{{"listChanged":false}}}},)"
                                     R"("serverInfo":{{"name":{},"title":{},"version":{}}})",
                                     quote_json(version), quote_json(options.server_name),
                                     quote_json(options.server_title), quote_json(options.server_version));
    const std::string instructions = context.tools.instructions();
    if (!instructions.empty()) result += fmt::format(R"(,"instructions":{})", quote_json(instructions));
    result += '}';
    return result_text(request.id, result);
}

std::string list_tools(request_context& context, const message& request) {
    // The list is one page, so there is no cursor that could be valid.
    const std::optional<std::string_view> cursor = parameter(request, "cursor");
    if (!cursor || !cursor->empty()) {
        return error_text(request.id, rpc_code::invalid_params,
                          "Invalid params: \"cursor\" is not one of ours; list the tools without it.");
    }
    return result_text(request.id, fmt::format(R"({{"tools":{}}})", context.tools.tools(context.who)));
}

}  // namespace

std::expected<std::optional<legacy_session>, rejection> legacy_dispatcher::session_of(
    const request_context& context) const {
    const net::http_fields& fields = context.exchange.request().fields;
    const std::optional<std::string_view> sealed = fields.find(session_field);
    if (!sealed) return std::nullopt;
    std::optional<legacy_session> session;
    if (fields.count(session_field) == 1) session = open_session(context.options, context.who.key(), *sealed);
    if (session && !ended_.contains(session->name)) return session;
    rejection refused;
    refused.status = 404;
    refused.code = rpc_code::session_not_found;
    refused.message = "Session not found: it has ended or is not yours. Send initialize without Mcp-Session-Id.";
    return std::unexpected(std::move(refused));
}

boost::asio::awaitable<void> legacy_dispatcher::post(request_context& context, const posted_body& body,
                                                     accepted_types accepted,
                                                     std::optional<std::string_view> version_header) {
    std::expected<std::optional<legacy_session>, rejection> session = session_of(context);
    if (!session) {
        rejection refused = std::move(session.error());
        refused.id = id_of(body);
        co_await refuse(context, std::move(refused));
        co_return;
    }
    const bool has_session = session->has_value();
    const std::string version(has_session ? (*session)->version : version_header.value_or(assumed_version));
    std::optional<rejection> refused = check_order(body, version, has_session);
    if (refused) {
        co_await refuse(context, *std::move(refused));
        co_return;
    }
    const std::string scope = has_session ? "session/" + (*session)->name : "principal/" + context.who.key();
    if (body.has_requests()) {
        co_await answer_requests(context, body, accepted, scope);
        co_return;
    }
    for (const message& m : body.messages) take_notification(context, m, scope);
    co_await acknowledge(context, 202);
}

boost::asio::awaitable<void> legacy_dispatcher::answer_requests(request_context& context, const posted_body& body,
                                                                accepted_types accepted, const std::string& scope) {
    bool has_calls = false;
    for (const message& m : body.messages) has_calls |= m.kind == message_kind::request && m.method == "tools/call";

    using form = response_stream::form;
    response_stream::settings settings;
    settings.is_batch = body.is_batch;
    settings.initial = !accepted.events ? form::json : !accepted.json ? form::events : form::undecided;
    // The answers of a batch go out one by one where that is possible: its calls may last.
    if (body.is_batch && accepted.events && accepted.json) settings.initial = has_calls ? form::events : form::json;
    settings.request_id = context.request_id;
    settings.stream_after = context.options.stream_after;
    settings.comment_every = context.options.comment_every;
    settings.bytes_buffered_max = context.options.answer_bytes_buffered_max;
    const auto answers = std::make_shared<response_stream>(context.executor, context.exchange, std::move(settings));
    const struct unwinding {
        response_stream& answers;
        ~unwinding() { answers.abandon(); }
    } guard{*answers};
    if (has_calls) answers->expect_delay();

    for (const message& m : body.messages) {
        if (m.kind != message_kind::request) {
            take_notification(context, m, scope);
        } else if (m.method == "tools/call") {
            call_names names;
            names.scope = scope;
            names.request_id = body.is_batch ? make_request_id(context.options) : context.request_id;
            const bool is_whole = co_await call_tool(context, m, names, *answers);
            if (!is_whole) co_return;
        } else {
            const std::string text = answer(context, m, *answers);
            co_await answers->write_message(text);
        }
    }
    co_await answers->finish();
}

std::string legacy_dispatcher::answer(request_context& context, const message& request, response_stream& answer) const {
    if (request.method == "initialize") return initialize(context, request, answer);
    if (request.method == "ping") return result_text(request.id, "{}");
    if (request.method == "tools/list") return list_tools(context, request);
    return error_text(request.id, rpc_code::method_not_found, fmt::format("Method not found: {}", request.method));
}

boost::asio::awaitable<void> legacy_dispatcher::end_session(request_context& context) {
    std::expected<std::optional<legacy_session>, rejection> session = session_of(context);
    if (!session) {
        co_await refuse(context, std::move(session.error()));
        co_return;
    }
    if (!session->has_value()) {
        rejection refused = invalid_request("DELETE ends the session that Mcp-Session-Id names, and none is named.");
        co_await refuse(context, std::move(refused));
        co_return;
    }
    ended_.add((*session)->name);
    co_await acknowledge(context, 200);
}

}  // namespace common::mcp
