// An HTTP exchange without a socket: holds what was answered, and plays a peer that closes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/net/http.hpp"
#include "common/net/websocket_channel.hpp"

namespace common::mcp::test {

// The events and comments of an event stream.
struct event_stream {
    std::vector<nlohmann::json> messages;
    std::vector<std::string> ids;  // of the messages that have one, and of events without data
    std::string primed_by;         // the id of the first event, if it had no data
    int retry = -1;                // as the stream says last
    int comments = 0;
    bool is_whole = true;  // every event has ended, every line was understood
};

event_stream read_events(std::string_view body);

class fake_exchange final : public net::http_exchange {
public:
    explicit fake_exchange(net::http_request request) : request_(std::move(request)) {}

    const net::http_request& request() const override { return request_; }
    boost::asio::awaitable<bool> respond(net::http_response response) override;
    boost::asio::awaitable<bool> start(int status, net::http_fields fields) override;
    boost::asio::awaitable<bool> write(std::string_view piece) override;
    boost::asio::awaitable<bool> finish() override;
    void abort() override;
    void on_peer_closed(std::function<void()> listener) override { listener_ = std::move(listener); }
    boost::asio::awaitable<std::unique_ptr<net::websocket_channel>> accept_websocket(std::string, std::size_t) override;

    void close_by_peer();

    std::string field(std::string_view name) const { return std::string(fields.find(name).value_or("")); }
    nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
    event_stream events() const { return read_events(body); }
    bool is_answered() const { return has_responded || has_finished; }

    int status = 0;
    net::http_fields fields;
    std::string body;
    std::size_t writes = 0;
    bool has_responded = false;
    bool has_started = false;
    bool has_finished = false;
    bool was_aborted = false;
    std::function<void()> after_write;  // called when bytes have been written

private:
    net::http_request request_;
    std::function<void()> listener_;
    bool is_writing_ = false;
    bool is_gone_ = false;
};

}  // namespace common::mcp::test
