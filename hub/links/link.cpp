#include "hub/links/link.hpp"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "proto/catalogue.hpp"
#include "proto/limits.hpp"

namespace hub::links {

namespace asio = boost::asio;
namespace action = proto::hub_action;

std::int64_t to_ms(std::chrono::steady_clock::time_point when) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

link::link(std::unique_ptr<common::net::websocket_channel> channel, proto::hub_link_config config, link_owner& owner,
           steady_clock_function now)
    : channel_(std::move(channel)), machine_(std::move(config)), owner_(owner), now_(std::move(now)) {}

std::int64_t link::now_ms() const { return to_ms(now_()); }

asio::awaitable<void> link::run() {
    const auto self = shared_from_this();
    machine_.on_open(now_ms());
    act();
    for (;;) {
        auto message = co_await channel_->read();
        if (!message) {
            machine_.on_closed(message.error().code, message.error().reason);
            act();
            co_return;
        }
        machine_.on_message(*message, now_ms());
        act();
        // A machine that sends faster than the hub may answer waits here, in its own socket.
        if (channel_->queued_bytes() > proto::limits::link_output_bytes_max)
            co_await channel_->drained_below(proto::limits::link_output_bytes_max);
    }
}

void link::tick() {
    machine_.on_tick(now_ms());
    act();
}

void link::act() {
    // Handlers may call back into the machine and so add actions.
    for (auto actions = machine_.take_actions(); !actions.empty(); actions = machine_.take_actions())
        for (auto& a : actions) std::visit([this](auto&& one) { handle(std::move(one)); }, std::move(a));
    schedule_flush();
}

void link::handle(action::authenticate&& a) {
    asio::co_spawn(channel_->executor(), owner_.authenticate(shared_from_this(), std::move(a.hello)), asio::detached);
}

void link::handle(action::verified&& a) {
    asio::co_spawn(channel_->executor(), owner_.admit(shared_from_this(), std::move(a)), asio::detached);
}

void link::handle(action::key_conflict&& a) { owner_.conflict(*this, a); }

void link::handle(action::established&&) { owner_.established(shared_from_this()); }

void link::handle(action::reply_chunk&& a) {
    const auto found = calls_.find(a.id);
    if (found == calls_.end()) return;
    const auto call = found->second;
    if (a.fin) calls_.erase(found);
    call->piece(std::move(a.bytes), a.fin);
}

void link::handle(action::reply_failed&& a) {
    const auto found = calls_.find(a.id);
    if (found == calls_.end()) return;
    const auto call = found->second;
    calls_.erase(found);
    call->failed({std::move(a.error), a.link_lost});
}

void link::handle(action::body_wanted&& a) {
    const auto found = calls_.find(a.id);
    if (found != calls_.end()) found->second->body_wanted();
}

void link::handle(action::progress_received&& a) {
    const auto found = calls_.find(a.id);
    if (found != calls_.end()) found->second->progress(std::move(a.update));
}

void link::handle(action::question_received&& a) {
    const auto found = calls_.find(a.id);
    if (found != calls_.end()) found->second->question(a.number, std::move(a.asked));
}

void link::handle(action::question_withdrawn&& a) {
    const auto found = calls_.find(a.id);
    if (found != calls_.end()) found->second->question_over();
}

void link::handle(action::event_received&& a) { owner_.event(*this, a); }

void link::handle(action::sessions_received&& a) { owner_.sessions(*this, a.snapshot); }

void link::handle(action::drained&&) {
    machine_.close(proto::close_code::draining, "The hub restarts; link again now.");
}

void link::handle(action::closed&& a) {
    if (over_) return;
    over_ = true;
    flush();  // what was said before the close leaves before it
    channel_->close(a.close_needed ? a.code : 1000, a.reason);
    owner_.closed(*this, a.code, a.reason);
}

void link::schedule_flush() {
    if (flush_scheduled_ || over_ || !machine_.has_output()) return;
    flush_scheduled_ = true;
    if (channel_->queued_bytes() >= proto::limits::link_output_bytes_max) {
        // A machine that takes nothing: what is for it stays in the state machine, which refuses calls when it is full.
        asio::co_spawn(channel_->executor(), flush_when_drained(shared_from_this()), asio::detached);
        return;
    }
    // One turn later: what the turn queued leaves as one message.
    asio::post(channel_->executor(), [self = shared_from_this()] {
        self->flush_scheduled_ = false;
        self->flush();
        self->act();  // room in the output may have woken senders
    });
}

asio::awaitable<void> link::flush_when_drained(std::shared_ptr<link>) {
    co_await channel_->drained_below(proto::limits::link_output_bytes_max);
    flush_scheduled_ = false;
    if (over_) co_return;
    flush();
    act();
}

void link::flush() {
    for (auto& message : machine_.flush(now_ms())) channel_->send(std::move(message));
}

proto::result<std::shared_ptr<remote_call>> link::call(const proto::call_header& header, std::string_view arguments) {
    // Whoever chose this link: nobody's call leaves their workspaces, nor has more scopes than in this one.
    const auto who = header.who.within(workspace_id);
    if (!who) return proto::fail(proto::error_code::not_found, "There is no such machine.");
    const auto* tool = proto::tools().find(header.tool);
    if (tool != nullptr && !who->has_scope(tool->scope))
        return proto::fail(
            proto::error_code::permission_denied,
            fmt::format("This needs the scope {}, which you do not have in the machine's workspace.", tool->scope),
            "Ask an owner of that workspace for another role.");
    proto::call_header told = header;
    told.who = *who;
    auto id = machine_.send_call(told, arguments);
    if (!id) return std::unexpected(std::move(id.error()));
    auto call = std::make_shared<remote_call>(channel_->executor(), weak_from_this());
    call->id_ = *id;
    calls_.emplace(*id, call);
    act();
    return call;
}

std::size_t link::send_body(std::uint64_t id, std::string_view bytes) {
    const std::size_t taken = machine_.send_body(id, bytes);
    act();
    return taken;
}

void link::cancel(std::uint64_t id) {
    calls_.erase(id);
    machine_.cancel(id);
    act();
}

void link::answer(std::uint64_t id, std::uint32_t number, const proto::answers_message& message) {
    if (message.outcome == proto::ask_outcome::suspended) calls_.erase(id);
    machine_.answer(id, number, message);
    act();
}

void link::grant_credit(std::uint64_t id, std::size_t bytes) {
    machine_.grant_credit(id, bytes);
    act();
}

void link::acknowledge_events(std::int64_t seq) {
    machine_.acknowledge_events(seq);
    act();
}

void link::close(proto::close_code code, std::string_view reason) {
    machine_.close(code, reason);
    act();
}

void link::drain() {
    machine_.drain();
    for (const auto& [id, call] : std::map(calls_)) call->drain();
    act();
}

}  // namespace hub::links
