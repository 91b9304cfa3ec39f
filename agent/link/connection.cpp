#include "agent/link/connection.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>

#include "agent/link/remote_reply.hpp"
#include "proto/limits.hpp"

namespace agent::link {

namespace asio = boost::asio;
namespace action = proto::agent_action;
namespace limits = proto::limits;

namespace {

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
// What the hub's directory lives from: conversation bodies stay on the machine until somebody reads them.
const std::vector<std::string> metadata_types{"session.created", "session.updated", "session.idle", "session.error"};
// Snapshots tell many changes at once.
constexpr std::chrono::milliseconds sessions_interval{1000};
constexpr std::chrono::milliseconds tick_least{1000};

proto::session_summary to_wire(const session::summary& s) {
    proto::session_summary out;
    out.id = s.id;
    out.project_slug = s.slug;
    out.cwd = s.cwd;
    out.title = s.title;
    out.status = s.status;
    out.state = s.state;
    out.model = s.model;
    out.permission_mode = s.permission_mode;
    out.created_at_ms = s.created_at_ms;
    out.updated_at_ms = s.updated_at_ms;
    return out;
}

proto::error foreign() {
    return {proto::error_code::permission_denied,
            "This machine belongs to another workspace.",
            "Enrol it with the workspace that is to use it.",
            {}};
}

// The hub needs a session's id and kind of event; what it says stays here.
std::string directory_event(const events::event& e) {
    return nlohmann::json{{"type", e.type}, {"session_id", e.session_id}, {"at", e.at_ms}}.dump();
}

}  // namespace

std::int64_t steady_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

connection::connection(std::unique_ptr<common::net::websocket_channel> channel, proto::agent_link_config config,
                       connection_services services)
    : channel_(std::move(channel)),
      machine_(std::move(config)),
      services_(std::move(services)),
      sendable_(channel_->executor()),
      sessions_dirty_(channel_->executor()) {}

asio::awaitable<connection_end> connection::run() {
    const auto self = shared_from_this();
    spawn(keep_time(self));
    machine_.on_open(steady_ms());
    act();
    for (;;) {
        auto message = co_await channel_->read();
        if (!message) {
            machine_.on_closed(message.error().code, message.error().reason);
            act();
            break;
        }
        machine_.on_message(*message, steady_ms());
        act();
    }
    co_return end_;
}

asio::awaitable<void> connection::keep_time(pointer) {
    while (!over_) {
        // An idle agent wakes for its heartbeats alone; the handshake, which sets their interval, is short.
        const std::int64_t due_ms = machine_.is_established() ? machine_.next_tick_ms() - steady_ms() : 0;
        const auto wait = std::max(std::chrono::milliseconds(due_ms), tick_least);
        std::ignore = co_await sendable_.wait_until(std::chrono::steady_clock::now() + wait);
        if (over_) co_return;
        machine_.on_tick(steady_ms());
        act();
    }
}

void connection::act() {
    for (auto actions = machine_.take_actions(); !actions.empty(); actions = machine_.take_actions())
        for (auto& a : actions) std::visit([this](auto&& one) { handle(std::move(one)); }, std::move(a));
    schedule_flush();
}

void connection::handle(action::established&& a) {
    end_.was_established = true;
    if (!services_.store_welcome(a.welcome)) {
        machine_.close(proto::close_code::going_away, "The link counter cannot be stored.");
        return;
    }
    spawn(push_events(shared_from_this(), a.welcome.ack_seq));
    spawn(push_sessions(shared_from_this()));
}

void connection::handle(action::call_received&& a) {
    if (a.header.body_bytes > 0) {
        // Now: the body may come in the same message.
        const auto grant = [weak = weak_from_this(), id = a.id](std::size_t bytes) {
            const auto self = weak.lock();
            if (!self) return;
            self->machine_.grant_body(id, bytes);
            self->act();
        };
        bodies_[a.id] = std::make_shared<remote_body>(channel_->executor(), grant);
    }
    spawn(serve(shared_from_this(), a.id, std::move(a.header), std::move(a.arguments)));
}

void connection::handle(action::body_received&& a) {
    if (const auto found = bodies_.find(a.id); found != bodies_.end()) found->second->push(std::move(a.bytes), a.last);
}

void connection::handle(action::cancel_received&& a) {
    if (const auto found = bodies_.find(a.id); found != bodies_.end()) found->second->cancel();
    if (const auto found = replies_.find(a.id); found != replies_.end())
        if (const auto reply = found->second.lock()) reply->cancel();
}

void connection::handle(action::question_answered&& a) {
    if (const auto found = replies_.find(a.id); found != replies_.end())
        if (const auto reply = found->second.lock()) reply->answered(std::move(a.answers));
}

void connection::handle(action::credit_available&& a) {
    if (const auto found = replies_.find(a.id); found != replies_.end())
        if (const auto reply = found->second.lock()) reply->credit_available();
}

void connection::handle(action::events_acknowledged&&) { sendable_.notify_all(); }

void connection::handle(action::output_available&&) { sendable_.notify_all(); }

void connection::handle(action::draining&&) {
    draining_ = true;
    // Who waits for a turn is told how far it is, and asks again over the next link: a hub that restarts costs no call.
    for (const auto& [id, weak] : std::map(replies_))
        if (const auto reply = weak.lock()) reply->cancel();
    if (services_.on_draining) services_.on_draining();
}

void connection::handle(action::closed&& a) {
    if (over_) return;
    over_ = true;
    end_.code = a.code;
    end_.reason = a.reason;
    flush();
    channel_->close(a.close_needed ? a.code : 1000, a.reason);
    sendable_.notify_all();
    sessions_dirty_.notify_all();
    for (const auto& [id, body] : std::exchange(bodies_, {})) body->cancel();
    // Whoever waits for the hub's sake stops waiting; what sessions do goes on.
    for (const auto& [id, weak] : std::exchange(replies_, {}))
        if (const auto reply = weak.lock()) reply->cancel();
}

void connection::spawn(asio::awaitable<void> task) {
    asio::co_spawn(channel_->executor(), std::move(task),
                   [self = shared_from_this()](const std::exception_ptr& thrown) {
                       if (!thrown) return;
                       try {
                           std::rethrow_exception(thrown);
                       } catch (const std::exception& bug) {
                           if (self->services_.report_bug) self->services_.report_bug({}, bug.what());
                       }
                       self->close(proto::close_code::going_away, "The agent has a fault in its link; it links again.");
                   });
}

void connection::schedule_flush() {
    if (flush_scheduled_ || flush_waits_ || over_ || !machine_.has_output()) return;
    if (channel_->queued_bytes() >= limits::link_output_bytes_max) {
        flush_waits_ = true;
        return spawn(flush_when_drained(shared_from_this()));
    }
    flush_scheduled_ = true;
    // One turn later: what the turn queued leaves as one message.
    asio::post(channel_->executor(), [self = shared_from_this()] {
        self->flush_scheduled_ = false;
        self->flush();
        self->act();  // room in the output may have woken senders
    });
}

// While the socket takes nothing, what is queued stays in the machine, whose bound makes senders wait.
asio::awaitable<void> connection::flush_when_drained(pointer) {
    co_await channel_->drained_below(limits::link_output_bytes_max);
    flush_waits_ = false;
    act();
}

void connection::flush() {
    for (auto& message : machine_.flush(steady_ms())) channel_->send(std::move(message));
}

asio::awaitable<void> connection::serve(pointer self, std::uint64_t id, proto::call_header header,
                                        std::string arguments) {
    const std::chrono::milliseconds told(header.deadline_ms > 0 ? header.deadline_ms : limits::call_ms_max);
    const auto reply = std::make_shared<remote_reply>(self, id, told);
    replies_[id] = reply;
    const auto body = bodies_.find(id);
    proto::result<void> outcome;
    if (body != bodies_.end())
        outcome = co_await receive(header, std::move(arguments), body->second, reply);
    else
        outcome = co_await run_call(header, arguments, *reply);
    replies_.erase(id);
    bodies_.erase(id);
    if (!machine_.is_open(id)) co_return;
    if (outcome) {
        machine_.finish(id);
    } else {
        machine_.reply_error(id, outcome.error(), header.request_id);
    }
    act();
}

// A file for this machine, instead of a tool.
asio::awaitable<proto::result<void>> connection::receive(proto::call_header header, std::string arguments,
                                                         std::shared_ptr<remote_body> body,
                                                         std::shared_ptr<remote_reply> reply) {
    if (header.who.workspace_id != services_.workspace_id) co_return std::unexpected(foreign());
    auto told = co_await receive_upload(services_.uploads, std::move(header), std::move(arguments), std::move(body));
    if (!told) co_return std::unexpected(std::move(told.error()));
    std::ignore = co_await reply->write(*told);  // a hub that has gone needs no answer
    co_return proto::result<void>();
}

asio::awaitable<proto::result<void>> connection::run_call(const proto::call_header& header, std::string_view arguments,
                                                          remote_reply& reply) {
    if (header.who.workspace_id != services_.workspace_id) co_return std::unexpected(foreign());
    common::mcp::tool_call call;
    call.tool = header.tool;
    call.arguments = arguments;
    call.who = &header.who;
    call.request_id = header.request_id;
    call.wants_progress = header.progress;
    call.depth = header.depth;
    call.state = header.state;
    call.client.elicitation_form = std::ranges::find(header.abilities, proto::form_ability) != header.abilities.end();
    try {
        co_return co_await services_.tools->call(call, reply);
    } catch (const std::exception& bug) {
        if (services_.report_bug) services_.report_bug(header.request_id, bug.what());
    }
    co_return proto::fail(proto::error_code::internal, "The call failed inside CodeZ.",
                          "Report this with the request id.");
}

asio::awaitable<void> connection::push_events(pointer, std::int64_t after) {
    std::int64_t previous = after;
    while (!over_) {
        auto page = co_await services_.log->read({{}, metadata_types}, after, limits::events_page_default,
                                                 std::chrono::seconds(30));
        if (!page) {
            // The log's own trouble is told by get_health; the link needs no events to serve calls.
            std::ignore = co_await sendable_.wait_until(std::chrono::steady_clock::now() + std::chrono::seconds(5));
            continue;
        }
        for (const auto& e : page->events) {
            for (;;) {
                if (over_) co_return;
                const auto sent = machine_.send_event(e.seq, previous, directory_event(e));
                act();
                if (sent == proto::agent_link::send_result::closed) co_return;
                if (sent == proto::agent_link::send_result::sent) previous = e.seq;
                if (sent != proto::agent_link::send_result::wait) break;
                std::ignore = co_await sendable_.wait();
            }
        }
        after = std::max(after, page->next_seq);
    }
}

void connection::sessions_changed() {
    sessions_pending_ = true;
    sessions_dirty_.notify_all();
}

asio::awaitable<void> connection::push_sessions(pointer) {
    asio::steady_timer pause(channel_->executor());
    while (!over_) {
        if (!std::exchange(sessions_pending_, false)) {
            std::ignore = co_await sessions_dirty_.wait();
            continue;
        }
        session::list_filter filter;
        filter.limit = limits::list_page_max;
        auto listed = co_await services_.sessions->list(filter);
        auto pending = co_await services_.sessions->pending_permissions({});
        if (listed && pending && !over_) {
            send_snapshot(*listed, *pending);
        } else {
            sessions_pending_ = true;
        }
        pause.expires_after(sessions_interval);
        auto [ec] = co_await pause.async_wait(as_tuple);
        if (ec) co_return;
    }
}

void connection::send_snapshot(const std::vector<session::summary>& listed,
                               const std::vector<session::pending_permission>& pending) {
    proto::sessions_snapshot snapshot;
    for (const auto& s : listed) {
        snapshot.sessions.push_back(to_wire(s));
        snapshot.sessions.back().pending_permissions =
            static_cast<int>(std::ranges::count(pending, s.id, &session::pending_permission::session_id));
    }
    snapshot.complete = listed.size() < static_cast<std::size_t>(limits::list_page_max);
    auto sent = machine_.send_sessions(snapshot);
    // Too large: the newest are what the hub needs; it asks the machine for an id that it does not know.
    while (sent == proto::agent_link::send_result::refused && !snapshot.sessions.empty()) {
        snapshot.complete = false;
        snapshot.sessions.resize(snapshot.sessions.size() / 2);
        sent = machine_.send_sessions(snapshot);
    }
    act();
    if (sent == proto::agent_link::send_result::wait) sessions_pending_ = true;
}

void connection::close(proto::close_code code, std::string_view reason) {
    machine_.close(code, reason);
    act();
}

}  // namespace agent::link
