#include "common/mcp/modern_dispatcher.hpp"

#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/listen.hpp"
#include "common/mcp/method_answer.hpp"
#include "common/mcp/modern_request.hpp"
#include "common/mcp/result_frame.hpp"
#include "common/mcp/run_request.hpp"

namespace common::mcp {
namespace {

short_result discover(const request_context& context) {
    short_result result{fmt::format(R"({{"supportedVersions":["{}"],"capabilities":{})", modern_version,
                                    server_capabilities(context.offered, true)),
                        result_kind::list};
    const std::string instructions = context.tools.instructions();
    if (!instructions.empty()) result.object += fmt::format(R"(,"instructions":{})", quote_json(instructions));
    result.object += '}';
    return result;
}

boost::asio::awaitable<method_answer> find_answer(request_context& context, const message& request) {
    if (request.method == "server/discover") co_return discover(context);
    if (is_task_method(request.method) && context.offered.tasks)
        co_return co_await answer_task_method(context, request);
    co_return co_await answer_method(context, request);
}

boost::asio::awaitable<void> write_answer(request_context& context, const message& request, const method_answer& found,
                                          response_stream& answer) {
    if (found) {
        const std::string members = own_members(context.options, context.terms, found->kind);
        const std::string text = framed(request.id, members, found->object);
        co_await answer.write_message(text);
        co_return;
    }
    const protocol_error& error = found.error();
    const std::string text = error_text(request.id, error.code, error.message, error.data);
    // Errors that a method finds are answers like others, but for these two (basic/transports/streamable-http).
    int status = 200;
    if (error.code == rpc_code::method_not_found) status = 404;
    if (error.code == rpc_code::missing_client_capability) status = 400;
    co_await answer.write_error(status, text);
}

boost::asio::awaitable<void> answer_request(request_context& context, const message& request, accepted_types accepted) {
    using form = response_stream::form;
    response_stream::settings settings;
    settings.initial = !accepted.events ? form::json : !accepted.json ? form::events : form::undecided;
    settings.request_id = context.request_id;
    settings.stream_after = context.options.stream_after;
    settings.comment_every = context.options.comment_every;
    settings.bytes_buffered_max = context.options.answer_bytes_buffered_max;
    const auto answer = std::make_shared<response_stream>(context.executor, context.exchange, std::move(settings));
    const struct unwinding {
        response_stream& answer;
        ~unwinding() { answer.abandon(); }
    } guard{*answer};
    answer->expect_delay();

    bool is_whole = true;
    if (const std::optional<run_method> method = run_method_of(context.offered, request.method)) {
        is_whole = co_await run_request(context, request, *method, context.request_id, *answer);
    } else {
        const method_answer found = co_await find_answer(context, request);
        co_await write_answer(context, request, found, *answer);
    }
    if (is_whole) co_await answer->finish();
}

}  // namespace

boost::asio::awaitable<void> post_modern(request_context& context, const message& request, accepted_types accepted) {
    if (request.kind != message_kind::request) {
        // There is none over HTTP; closing the response is how a call is cancelled.
        co_await acknowledge(context, 202);
        co_return;
    }
    std::optional<rejection> refused = check_modern_fields(request, context.exchange.request().fields);
    if (!refused) {
        std::expected<client_terms, rejection> terms = read_modern_terms(request);
        if (terms)
            context.terms = *std::move(terms);
        else
            refused = std::move(terms.error());
    }
    if (refused) {
        co_await refuse(context, *std::move(refused));
        co_return;
    }
    context.terms.scope = "request/" + context.request_id;  // of its own: nobody else can cancel it
    if (request.method == "subscriptions/listen" && has_news(context.offered))
        co_await listen(context, request, accepted);
    else
        co_await answer_request(context, request, accepted);
}

}  // namespace common::mcp
