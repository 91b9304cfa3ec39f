#include "common/mcp/legacy_streams.hpp"

#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "common/mcp/change_stream.hpp"
#include "common/mcp/event_id.hpp"
#include "common/mcp/event_output.hpp"
#include "common/mcp/legacy_dispatcher.hpp"
#include "common/mcp/legacy_session_methods.hpp"
#include "common/mcp/shared_state.hpp"
#include "common/mcp/wake_line.hpp"

namespace common::mcp {
namespace {

constexpr std::string_view last_event_field = "Last-Event-ID";

// The call may have been answered on a stream that is kept no more, by this process or another one.
std::string lost_answer(const std::string& request_id) {
    return error_text(request_id, rpc_code::internal_error,
                      "The rest of this answer is not kept here any more, and the request may have taken effect. Look "
                      "whether it has, and send it again if not.");
}

boost::asio::awaitable<void> send_lost_answer(request_context& context, const event_position& from) {
    event_output output(context);
    bool is_there = co_await output.start();
    if (is_there) is_there = co_await output.event({}, lost_answer(from.stream.request_id));
    if (is_there)
        co_await output.finish();
    else
        output.abort();
}

// Sends what is kept after that event, and what the call adds, until it is over. False: the client has gone.
boost::asio::awaitable<bool> send_rest(request_context& context, kept_stream& stream, const event_position& from,
                                       event_output& output) {
    wake_line wake(context.executor);
    bool is_gone = false;
    context.exchange.on_peer_closed([&] {
        is_gone = true;
        wake.wake();
    });
    const std::size_t reader = stream.set_reader(wake.from_anywhere());
    const struct leaving {
        request_context& context;
        kept_stream& stream;
        std::size_t reader;
        ~leaving() {
            stream.leave(reader);
            context.exchange.on_peer_closed({});
        }
    } guard{context, stream, reader};

    std::size_t seen = from.number;
    bool is_there = co_await output.start();
    while (is_there && !is_gone && stream.is_current(reader)) {
        const kept_stream::view rest = stream.after(seen);
        if (rest.is_cut) co_return co_await output.event({}, lost_answer(from.stream.request_id));
        for (const std::string& event : rest.events) {
            is_there = co_await output.raw(event);
            if (!is_there) co_return false;
            ++seen;
        }
        if (rest.is_over) co_return true;
        const bool is_woken =
            co_await wake.wait_until(std::chrono::steady_clock::now() + context.options.comment_every);
        if (!is_woken && !is_gone) is_there = co_await output.comment();
    }
    co_return is_there && !is_gone;
}

boost::asio::awaitable<void> resume_call(request_context& context, const event_position& from) {
    const std::shared_ptr<kept_stream> stream = context.shared.streams.find(from.stream.name);
    if (!stream || stream->owner() != context.terms.session) {
        co_await send_lost_answer(context, from);
        co_return;
    }
    event_output output(context);
    const bool is_whole = co_await send_rest(context, *stream, from, output);
    if (is_whole)
        co_await output.finish();
    else
        output.abort();
}

boost::asio::awaitable<void> stream_news(request_context& context, const std::optional<event_position>& from) {
    const std::shared_ptr<live_session> session = live_session_of(context);
    watcher& changes = *session->changes();
    // One stream for each session; a client that comes back has lost the one before, whatever we know of it.
    if (!from && changes.has_reader()) {
        co_await refuse(context, rejection::of(409, rpc_code::invalid_request,
                                               "Conflict: this session has a stream open already."));
        co_return;
    }
    const change_feed::refusal refused = context.shared.sessions.connect(session->changes());
    if (refused != change_feed::refusal::none) {
        co_await refuse(context, too_many_streams(refused));
        co_return;
    }
    if (from) {
        // Of another process, or forgotten meanwhile: nobody knows what was missed.
        const bool is_known = from->stream.name == session->tag();
        if (is_known)
            session->offer_again(from->number);
        else
            changes.offer_everything();
    }
    const std::string prefix =
        event_prefix(context.options, context.terms.session, stream_name{false, session->tag(), {}});
    event_output output(context);
    bool is_there = co_await output.start();
    if (is_there && context.terms.may_pause()) is_there = co_await output.event(event_id(prefix, session->sent()), {});
    const auto send = [&](const news& what) -> boost::asio::awaitable<bool> {
        const std::string text = co_await news_text(context, what, {});
        if (text.empty()) co_return true;
        co_return co_await output.event(event_id(prefix, session->note_sent(what)), text);
    };
    stream_end end = stream_end::gone;
    if (is_there) end = co_await send_news(context, changes, output, send);
    if (end == stream_end::gone)
        output.abort();
    else
        co_await output.finish();
}

}  // namespace

boost::asio::awaitable<void> get_stream(request_context& context, accepted_types accepted) {
    const net::http_fields& fields = context.exchange.request().fields;
    if (!accepted.events) {
        co_await refuse(context, rejection::of(406, rpc_code::invalid_request,
                                               "Not acceptable: GET answers text/event-stream; Accept must name it."));
        co_return;
    }
    const auto session = session_of(context);
    if (!session) {
        co_await refuse(context, session.error());
        co_return;
    }
    if (!session->has_value()) {
        co_await refuse(
            context,
            rejection::of(405, rpc_code::invalid_request,
                          "Method not allowed: GET is for sessions, and Mcp-Session-Id names none. Use POST."),
            "POST");
        co_return;
    }
    take_terms(context, *session, (*session)->version);
    const std::optional<std::string_view> last = fields.find(last_event_field);
    std::optional<event_position> from;
    if (last) from = read_event_id(context.options, context.terms.session, *last);
    if (last && !from) {
        co_await refuse(context, rejection::of(400, rpc_code::invalid_request,
                                               "Last-Event-ID is no event of this session. Send GET without it."));
    } else if (from && from->stream.is_call) {
        co_await resume_call(context, *from);
    } else {
        co_await stream_news(context, from);
    }
}

}  // namespace common::mcp
