// One connection to the hub, from the opened WebSocket to its end: drives proto::agent_link, runs the calls that come,
// pushes the machine's events and sessions. Made by the supervisor for each dial; the agent's I/O thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/events/log.hpp"
#include "agent/link/remote_body.hpp"
#include "agent/session/engine.hpp"
#include "agent/uploads/spool.hpp"
#include "common/async/event_signal.hpp"
#include "common/mcp/backend.hpp"
#include "common/net/websocket_channel.hpp"
#include "proto/agent_link.hpp"

namespace agent::link {

struct connection_end {
    std::uint16_t code = 1006;
    std::string reason;
    bool was_established = false;
};

struct connection_services {
    common::mcp::backend* tools = nullptr;
    events::log* log = nullptr;
    session::engine* sessions = nullptr;
    uploads::spool* uploads = nullptr;
    std::string workspace_id;  // the machine's: calls of any other are refused
    // Stores the new link counter; false if it cannot be stored, which ends the connection.
    std::function<bool(const proto::welcome&)> store_welcome;
    // The hub asked to link anew elsewhere: see draining(). May be empty.
    std::function<void()> on_draining;
    // Told of an exception: a bug, to be logged.
    std::function<void(std::string_view request_id, std::string_view what)> report_bug;
};

class connection : public std::enable_shared_from_this<connection> {
public:
    connection(std::unique_ptr<common::net::websocket_channel> channel, proto::agent_link_config config,
               connection_services services);

    // Until the connection is over. Calls that it began may outlive it, without being heard any more.
    boost::asio::awaitable<connection_end> run();
    void close(proto::close_code code, std::string_view reason);
    void sessions_changed();
    bool established() const { return machine_.is_established(); }
    // The hub asked to link anew elsewhere; calls under way still end here.
    bool draining() const { return draining_; }

private:
    class remote_reply;

    // `self` keeps the connection alive from the call on, not only from the coroutine's first step.
    using pointer = std::shared_ptr<connection>;
    boost::asio::awaitable<void> keep_time(pointer self);
    boost::asio::awaitable<void> push_events(pointer self, std::int64_t after);
    boost::asio::awaitable<void> push_sessions(pointer self);
    boost::asio::awaitable<void> serve(pointer self, std::uint64_t id, proto::call_header header,
                                       std::string arguments);
    boost::asio::awaitable<proto::result<void>> receive(proto::call_header header, std::string arguments,
                                                        std::shared_ptr<remote_body> body,
                                                        std::shared_ptr<remote_reply> reply);
    boost::asio::awaitable<proto::result<void>> run_call(const proto::call_header& header, std::string_view arguments,
                                                         remote_reply& reply);
    boost::asio::awaitable<void> flush_when_drained(pointer self);
    // An exception out of it is a bug: it ends the connection, and the next one begins afresh.
    void spawn(boost::asio::awaitable<void> task);

    void act();
    void handle(proto::agent_action::established&& a);
    void handle(proto::agent_action::call_received&& a);
    void handle(proto::agent_action::body_received&& a);
    void handle(proto::agent_action::cancel_received&& a);
    void handle(proto::agent_action::question_answered&& a);
    void handle(proto::agent_action::credit_available&& a);
    void handle(proto::agent_action::events_acknowledged&& a);
    void handle(proto::agent_action::output_available&& a);
    void handle(proto::agent_action::draining&& a);
    void handle(proto::agent_action::closed&& a);
    void send_snapshot(const std::vector<session::summary>& listed,
                       const std::vector<session::pending_permission>& pending);
    void schedule_flush();
    void flush();

    std::unique_ptr<common::net::websocket_channel> channel_;
    proto::agent_link machine_;
    connection_services services_;
    std::map<std::uint64_t, std::weak_ptr<remote_reply>> replies_;
    std::map<std::uint64_t, std::shared_ptr<remote_body>> bodies_;
    common::async::event_signal sendable_;  // events may go on
    common::async::event_signal sessions_dirty_;
    bool sessions_pending_ = true;
    bool flush_scheduled_ = false;
    bool flush_waits_ = false;  // the socket has as much as it may
    bool over_ = false;
    bool draining_ = false;
    connection_end end_;
};

std::int64_t steady_ms();

}  // namespace agent::link
