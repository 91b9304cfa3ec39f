// A machine's live link: drives proto::hub_link over one WebSocket. Owned by its run() coroutine and by the registry
// while it is established. Everything on the hub's executor.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/net/websocket_channel.hpp"
#include "hub/links/remote_call.hpp"
#include "proto/hub_link.hpp"

namespace hub::links {

// What a link asks of its surroundings. Implemented by link_host; outlives every link.
class link_owner {
public:
    virtual ~link_owner() = default;
    // Each ends by calling accept_hello/admit/refuse on the link's machine through answer().
    virtual boost::asio::awaitable<void> authenticate(std::shared_ptr<link> from, proto::hello hello) = 0;
    virtual boost::asio::awaitable<void> admit(std::shared_ptr<link> from, proto::hub_action::verified verified) = 0;
    virtual void conflict(link& from, const proto::hub_action::key_conflict& conflict) = 0;
    virtual void established(const std::shared_ptr<link>& from) = 0;
    virtual void event(link& from, const proto::hub_action::event_received& event) = 0;
    virtual void sessions(link& from, const proto::sessions_snapshot& snapshot) = 0;
    virtual void closed(link& from, std::uint16_t code, const std::string& reason) = 0;
};

using steady_clock_function = std::function<std::chrono::steady_clock::time_point()>;

class link : public std::enable_shared_from_this<link> {
public:
    link(std::unique_ptr<common::net::websocket_channel> channel, proto::hub_link_config config, link_owner& owner,
         steady_clock_function now = std::chrono::steady_clock::now);

    // Until the link is over.
    boost::asio::awaitable<void> run();
    // When machine().next_tick_ms() says so.
    void tick();

    proto::result<std::shared_ptr<remote_call>> call(const proto::call_header& header, std::string_view arguments);
    std::size_t send_body(std::uint64_t id, std::string_view bytes);
    void cancel(std::uint64_t id);
    void answer(std::uint64_t id, std::uint32_t number, const proto::answers_message& message);
    void grant_credit(std::uint64_t id, std::size_t bytes);
    void acknowledge_events(std::int64_t seq);
    void close(proto::close_code code, std::string_view reason);
    // Takes no more calls; closes when those under way have ended.
    void drain();

    // The state machine, for the handshake's answers; act() must follow.
    proto::hub_link& machine() { return machine_; }
    const proto::hub_link& machine() const { return machine_; }
    void act();

    // Set at admission.
    std::string workspace_id;
    std::string machine_name;
    // Until then the database need not be asked whether the machine may still be here.
    std::chrono::steady_clock::time_point confirmed_until{};
    // Called when the machine was admitted: it no longer counts as unproven.
    std::function<void()> on_proven;

private:
    void handle(proto::hub_action::authenticate&& a);
    void handle(proto::hub_action::verified&& a);
    void handle(proto::hub_action::key_conflict&& a);
    void handle(proto::hub_action::established&& a);
    void handle(proto::hub_action::reply_chunk&& a);
    void handle(proto::hub_action::reply_failed&& a);
    void handle(proto::hub_action::body_wanted&& a);
    void handle(proto::hub_action::progress_received&& a);
    void handle(proto::hub_action::question_received&& a);
    void handle(proto::hub_action::question_withdrawn&& a);
    void handle(proto::hub_action::event_received&& a);
    void handle(proto::hub_action::sessions_received&& a);
    void handle(proto::hub_action::drained&& a);
    void handle(proto::hub_action::closed&& a);
    std::int64_t now_ms() const;
    void schedule_flush();
    void flush();
    boost::asio::awaitable<void> flush_when_drained(std::shared_ptr<link> self);

    std::unique_ptr<common::net::websocket_channel> channel_;
    proto::hub_link machine_;
    link_owner& owner_;
    steady_clock_function now_;
    std::map<std::uint64_t, std::shared_ptr<remote_call>> calls_;
    bool flush_scheduled_ = false;
    bool over_ = false;
};

// What the state machines count in.
std::int64_t to_ms(std::chrono::steady_clock::time_point when);

}  // namespace hub::links
