#include "common/mcp/legacy_dispatcher.hpp"

#include <array>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/era.hpp"
#include "common/mcp/event_id.hpp"
#include "common/mcp/json_members.hpp"
#include "common/mcp/legacy_session_methods.hpp"
#include "common/mcp/method_answer.hpp"
#include "common/mcp/response_stream.hpp"
#include "common/mcp/result_frame.hpp"
#include "common/mcp/run_request.hpp"
#include "common/mcp/shared_state.hpp"

namespace common::mcp {
namespace {

constexpr std::string_view session_field = "Mcp-Session-Id";
constexpr std::size_t stream_name_length = 22;

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

// What needs no answer: cancellations, and answers to our own questions. All else is none of our business.
void take_message(request_context& context, const message& m) {
    if (m.kind == message_kind::response) {
        const bool is_result = kind_of(m.result) == json_kind::object;
        context.shared.questions.answer(context.options, context.who.key(), m.id,
                                        is_result ? m.result : std::string_view{});
        return;
    }
    if (m.method != "notifications/cancelled") return;
    constexpr std::array<std::string_view, 1> names{"requestId"};
    std::array<std::string_view, 1> id;
    const bool is_unique = read_members(m.params, names, id);
    if (is_unique && !id[0].empty()) context.shared.calls.cancel(context.terms.scope, id[0]);
}

boost::asio::awaitable<method_answer> answer(request_context& context, const message& request,
                                             response_stream& answers) {
    if (request.method == "initialize") co_return initialize(context, request, answers);
    method_answer found = answer_session_method(context, request);
    const bool is_elsewhere = !found && found.error().code == rpc_code::method_not_found;
    if (!is_elsewhere) co_return found;
    co_return co_await answer_method(context, request);
}

// The stream of a call whose client can come back for it.
class kept_call {
public:
    kept_call(request_context& context, const message& request, response_stream::settings& settings)
        : streams_(context.shared.streams) {
        stream_name stream{true, context.options.random_token(stream_name_length), std::string(request.id)};
        settings.kept = streams_.add(stream.name, context.terms.session);
        if (!settings.kept) return;
        name_ = stream.name;
        settings.event_prefix = [&context, stream = std::move(stream)] {
            return event_prefix(context.options, context.terms.session, stream);
        };
        settings.is_primed = context.terms.may_pause();
        settings.resume_within = context.options.resume_within;
    }
    kept_call(const kept_call&) = delete;
    kept_call& operator=(const kept_call&) = delete;
    ~kept_call() {
        if (!name_.empty()) streams_.finished(name_);
    }

private:
    kept_streams& streams_;
    std::string name_;
};

boost::asio::awaitable<void> answer_requests(request_context& context, const posted_body& body,
                                             accepted_types accepted) {
    bool has_calls = false;
    for (const message& m : body.messages) {
        has_calls |= m.kind == message_kind::request && run_method_of(context.offered, m.method).has_value();
    }
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
    std::optional<kept_call> kept;
    if (has_calls && !body.is_batch && accepted.events && !context.terms.session.empty()) {
        kept.emplace(context, body.messages[0], settings);
    }
    const auto answers = std::make_shared<response_stream>(context.executor, context.exchange, std::move(settings));
    const struct unwinding {
        response_stream& answers;
        ~unwinding() { answers.abandon(); }
    } guard{*answers};
    if (has_calls) answers->expect_delay();

    for (const message& m : body.messages) {
        if (m.kind != message_kind::request) {
            take_message(context, m);
        } else if (const std::optional<run_method> method = run_method_of(context.offered, m.method)) {
            std::string request_id = body.is_batch ? make_request_id(context.options) : context.request_id;
            const bool is_whole = co_await run_request(context, m, *method, std::move(request_id), *answers);
            if (!is_whole) co_return;
        } else {
            const method_answer found = co_await answer(context, m, *answers);
            const std::string text =
                found ? framed(m.id, {}, found->object)
                      : error_text(m.id, found.error().code, found.error().message, found.error().data);
            co_await answers->write_message(text);
        }
    }
    co_await answers->finish();
}

}  // namespace

std::expected<std::optional<legacy_session>, rejection> session_of(const request_context& context) {
    const net::http_fields& fields = context.exchange.request().fields;
    const std::optional<std::string_view> sealed = fields.find(session_field);
    if (!sealed) return std::nullopt;
    std::optional<legacy_session> session;
    if (fields.count(session_field) == 1) session = open_session(context.options, context.who.key(), *sealed);
    if (session && !context.shared.ended.contains(session->name)) return session;
    return std::unexpected(
        rejection::of(404, rpc_code::session_not_found,
                      "Session not found: it has ended or is not yours. Send initialize without Mcp-Session-Id."));
}

void take_terms(request_context& context, const std::optional<legacy_session>& session, std::string_view version) {
    context.terms.version = version;
    context.terms.scope = session ? "session/" + session->name : "principal/" + context.who.key();
    if (context.offered.logging) context.terms.log_from = log_level::info;
    if (!session) return;
    context.terms.session = session->name;
    context.terms.client = session->client;
    const auto live = context.shared.sessions.find(session->name);
    if (live && context.offered.logging) context.terms.log_from = live->log_from();
}

boost::asio::awaitable<void> post_legacy(request_context& context, const posted_body& body, accepted_types accepted,
                                         std::optional<std::string_view> version_header) {
    const auto session = session_of(context);
    if (!session) {
        rejection refused = session.error();
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
    take_terms(context, *session, version);
    if (body.has_requests()) {
        co_await answer_requests(context, body, accepted);
        co_return;
    }
    for (const message& m : body.messages) take_message(context, m);
    co_await acknowledge(context, 202);
}

boost::asio::awaitable<void> end_session(request_context& context) {
    const auto session = session_of(context);
    if (!session) {
        co_await refuse(context, session.error());
        co_return;
    }
    if (!session->has_value()) {
        rejection refused = invalid_request("DELETE ends the session that Mcp-Session-Id names, and none is named.");
        co_await refuse(context, std::move(refused));
        co_return;
    }
    context.shared.ended.add((*session)->name);
    context.shared.sessions.forget((*session)->name);
    co_await acknowledge(context, 200);
}

}  // namespace common::mcp
