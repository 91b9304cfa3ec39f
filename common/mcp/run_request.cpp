#include "common/mcp/run_request.hpp"

#include <exception>
#include <expected>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/client_reply.hpp"
#include "common/mcp/method_answer.hpp"
#include "common/mcp/run_parameters.hpp"
#include "common/mcp/shared_state.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

using outcome = proto::result<void>;

outcome no_result() {
    return proto::fail(proto::error_code::internal, "The request ended without a result.",
                       "Report this with the request id; it may have taken effect.");
}

outcome cannot_ask(const std::string& missing) {
    const std::string needed = missing.empty() ? "that reads event streams" : "with these capabilities: " + missing;
    return proto::fail(proto::error_code::invalid_argument,
                       "This has to ask you something, and your client cannot be asked.",
                       fmt::format("Use a client {}.", needed));
}

// One request on its way through its handler. Lives in run_request()'s frame.
class run {
public:
    run(request_context& context, const message& request, run_method method, std::string request_id,
        response_stream& answer)
        : context_(context), message_(request), method_(method), request_id_(std::move(request_id)), answer_(answer) {}

    // The refusal of a request whose handler is not even called.
    std::optional<rejection> prepare();
    boost::asio::awaitable<bool> execute();

private:
    boost::asio::awaitable<outcome> call_handler(client_reply& reply);
    boost::asio::awaitable<outcome> guard(client_reply& reply);
    boost::asio::awaitable<bool> conclude(client_reply& reply, outcome ended);
    boost::asio::awaitable<bool> write_result(result_kind kind, std::string_view object, std::string_view meta = {});
    boost::asio::awaitable<bool> write_error(const protocol_error& error);
    boost::asio::awaitable<bool> write_failure(const proto::error& error);
    void describe(lasting_request& request) const;

    request_context& context_;
    const message& message_;
    const run_method method_;
    const std::string request_id_;
    response_stream& answer_;
    run_parameters parameters_;
    running_request running_;
};

std::optional<rejection> run::prepare() {
    const bool is_modern = context_.terms.is_modern();
    std::expected<run_parameters, std::string> parameters = read_run_parameters(message_, method_, is_modern);
    if (!parameters) return rejection::of(200, rpc_code::invalid_params, std::move(parameters.error()));
    parameters_ = *std::move(parameters);
    running_.id = message_.id;
    running_.progress_token = parameters_.progress_token;
    running_.input_responses = parameters_.input_responses;
    if (method_ == run_method::read_resource) running_.kind = result_kind::resource;

    if (method_ == run_method::call_tool && !context_.tools.has_tool(parameters_.name)) {
        return rejection::of(200, rpc_code::invalid_params,
                             fmt::format("Unknown tool: {}. tools/list names those there are.", parameters_.name));
    }
    if (!is_modern) return std::nullopt;
    if (method_ == run_method::call_tool) {
        std::string mismatch = check_param_fields(context_, parameters_);
        if (!mismatch.empty()) return rejection::of(400, rpc_code::header_mismatch, std::move(mismatch));
    }
    running_.binding = [this] {
        return state_binding(context_.who.key(), message_.method, parameters_.name, parameters_.arguments);
    };
    if (parameters_.request_state.empty()) return std::nullopt;
    running_.earlier = open_state(context_.options, running_.binding(), parameters_.request_state);
    if (running_.earlier) return std::nullopt;
    return rejection::of(
        200, rpc_code::invalid_params,
        "Invalid params: \"requestState\" is not of this request, or too old. Send the request without it.");
}

void run::describe(lasting_request& request) const {
    context_.describe(request, request_id_);
    request.wants_progress = !parameters_.progress_token.empty();
    if (running_.earlier) request.state = running_.earlier->state;
}

boost::asio::awaitable<outcome> run::call_handler(client_reply& reply) {
    switch (method_) {
        case run_method::call_tool: {
            tool_call call;
            describe(call);
            call.tool = parameters_.name;
            call.arguments = parameters_.arguments;
            co_return co_await context_.tools.call(call, reply);
        }
        case run_method::get_prompt: {
            prompt_request wanted;
            describe(wanted);
            wanted.name = parameters_.name;
            wanted.arguments = parameters_.arguments;
            co_return co_await context_.tools.get_prompt(wanted, reply);
        }
        case run_method::read_resource: {
            resource_request wanted;
            describe(wanted);
            wanted.uri = parameters_.name;
            co_return co_await context_.tools.read_resource(wanted, reply);
        }
    }
    co_return no_result();
}

// An exception is a bug, reported and shown as `internal` without its text.
boost::asio::awaitable<outcome> run::guard(client_reply& reply) {
    outcome ended;
    try {
        ended = co_await call_handler(reply);
    } catch (const std::exception& bug) {
        if (context_.options.report_bug) context_.options.report_bug(request_id_, bug.what());
        ended = proto::fail(proto::error_code::internal, "The call failed inside CodeZ.",
                            "Report this with the request id.");
    }
    co_return ended;
}

boost::asio::awaitable<bool> run::execute() {
    const auto cancellation = std::make_shared<call_cancellation>(context_.executor);
    const std::optional<calls_in_flight::ticket> ticket = context_.shared.calls.add(
        context_.terms.scope, message_.id, context_.who, [cancellation] { cancellation->request_from_anywhere(); });
    client_reply reply(context_, running_, answer_, *cancellation);
    outcome ended;
    if (ticket) {
        answer_.watch_peer([cancellation] { cancellation->request(); });
        ended = co_await guard(reply);
        answer_.watch_peer({});
        cancellation->close();
    } else {
        ended = proto::fail(proto::error_code::resource_exhausted, "Too many calls are running here.",
                            "Wait for some to end, then send the call again.");
    }
    co_return co_await conclude(reply, std::move(ended));
}

boost::asio::awaitable<bool> run::conclude(client_reply& reply, outcome ended) {
    if (reply.has_written()) {
        if (!ended) {
            co_await answer_.abort();
            co_return false;
        }
        co_await reply.end();
        co_return true;
    }
    if (!ended) co_return co_await write_failure(ended.error());
    if (reply.error()) co_return co_await write_error(*reply.error());
    if (reply.task()) {
        if (context_.terms.client.tasks && context_.terms.is_modern()) {
            co_return co_await write_result(result_kind::task, *reply.task());
        }
        co_return co_await write_error(missing_capability(R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})"));
    }
    if (reply.input_required()) co_return co_await write_result(result_kind::input_required, *reply.input_required());
    if (!reply.was_refused())
        ended = no_result();
    else if (context_.terms.is_modern() && !reply.missing_capabilities().empty())
        co_return co_await write_error(missing_capability(reply.missing_capabilities()));
    else
        ended = cannot_ask(reply.missing_capabilities());
    co_return co_await write_failure(ended.error());
}

boost::asio::awaitable<bool> run::write_result(result_kind kind, std::string_view object, std::string_view meta) {
    const std::string text = framed(message_.id, own_members(context_.options, context_.terms, kind, meta), object);
    co_await answer_.write_message(text);
    co_return true;
}

boost::asio::awaitable<bool> run::write_error(const protocol_error& error) {
    const std::string text = error_text(message_.id, error.code, error.message, error.data);
    // Errors that a handler finds are answers like others; only this one has a status of its own (2026-07-28).
    const bool is_own_status = error.code == rpc_code::missing_client_capability && context_.terms.is_modern();
    co_await answer_.write_error(is_own_status ? 400 : 200, text);
    co_return true;
}

// A failed tool is a result with isError; a failed prompt or resource is an error of JSON-RPC. A right that the caller
// could get is asked for by HTTP, which clients' authorization listens to.
boost::asio::awaitable<bool> run::write_failure(const proto::error& error) {
    if (const auto challenge =
            context_.options.challenge ? context_.options.challenge(context_.who, error) : std::nullopt) {
        const protocol_error shown = to_protocol_error(error, request_id_);
        co_await answer_.write_error(403, error_text(message_.id, shown.code, shown.message, shown.data),
                                     {{"WWW-Authenticate", *challenge}});
        co_return true;
    }
    if (method_ == run_method::call_tool) {
        const tool_error text = tool_error_result(error, request_id_);
        co_return co_await write_result(result_kind::plain, text.result, text.meta);
    }
    protocol_error shown = to_protocol_error(error, request_id_);
    if (method_ == run_method::read_resource && error.code == proto::error_code::not_found) {
        if (!context_.terms.is_modern()) shown.code = rpc_code::resource_not_found;
        shown.data = fmt::format(R"({{"uri":{}}})", quote_json(parameters_.name));
    }
    co_return co_await write_error(shown);
}

}  // namespace

std::optional<run_method> run_method_of(const offered_features& offered, std::string_view method) {
    if (method == "tools/call") return run_method::call_tool;
    if (method == "prompts/get" && offered.prompts) return run_method::get_prompt;
    if (method == "resources/read" && offered.resources) return run_method::read_resource;
    return std::nullopt;
}

boost::asio::awaitable<bool> run_request(request_context& context, const message& request, run_method method,
                                         std::string request_id, response_stream& answer) {
    run one(context, request, method, std::move(request_id), answer);
    const std::optional<rejection> refused = one.prepare();
    if (!refused) co_return co_await one.execute();
    const std::string text = error_text(request.id, refused->code, refused->message, refused->data);
    co_await answer.write_error(refused->status, text);
    co_return true;
}

}  // namespace common::mcp
