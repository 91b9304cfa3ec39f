// The http_exchange that handlers see: writes one answer to one request, notices when the peer leaves. Made anew for
// each request by http_session, on the connection's executor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/net/connection_registry.hpp"
#include "common/net/deadline.hpp"
#include "common/net/http.hpp"
#include "common/net/http_format.hpp"
#include "common/net/http_limits.hpp"
#include "common/net/stream.hpp"

namespace common::net {

struct answer_traits {
    bool http_1_0 = false;
    bool keep_alive = true;
    bool unread_input = false;  // bytes behind the request are buffered already
    http_fields fields{};       // added to the handler's
    // Reads on, if the body was left to the handler.
    std::function<boost::asio::awaitable<std::expected<std::string, http_response>>()> read_body{};
};

class http_answer final : public http_exchange, public std::enable_shared_from_this<http_answer> {
public:
    enum class state { open, started, finished, upgraded, broken };

    // What belongs to the session, which outlives its answers. accept_websocket() moves stream and ticket away.
    struct session_parts {
        stream& connection;
        connection_registry::ticket& ticket;
        deadline& stall;  // armed while a write waits; cuts the connection
        const http_limits& limits;
    };

    http_answer(session_parts session, http_request request, answer_traits traits);

    const http_request& request() const override { return request_; }
    boost::asio::awaitable<std::expected<std::string, http_response>> read_body() override;
    void stop_reading() override;
    boost::asio::awaitable<bool> respond(http_response response) override;
    boost::asio::awaitable<bool> start(int status, http_fields fields) override;
    boost::asio::awaitable<bool> write(std::string_view piece) override;
    boost::asio::awaitable<bool> finish() override;
    void abort() override;
    void on_peer_closed(std::function<void()> listener) override;
    boost::asio::awaitable<std::unique_ptr<websocket_channel>> accept_websocket(std::string subprotocol,
                                                                                std::size_t message_bytes_max) override;

    state current() const { return state_; }
    bool reading_stopped() const { return reading_stopped_; }
    bool keep_alive() const { return keep_alive_ && state_ == state::finished; }
    // From now on this is the last exchange of its connection.
    void forbid_keep_alive() { keep_alive_ = false; }
    // The client was told that the connection ends with this answer.
    bool announced_close() const { return announced_close_; }
    // The connection is being cut: the handler is told.
    void peer_gone();
    bool is_peer_gone() const { return peer_gone_; }
    // The handler has returned: drops the listener and stops watching.
    void retire();

private:
    bool body_allowed(int status) const;
    boost::asio::awaitable<bool> send(std::string_view head, std::string_view body, std::string_view tail);
    void watch();
    void look();

    session_parts session_;
    http_request request_;
    bool http_1_0_;
    bool keep_alive_;
    bool unread_input_;
    http_fields fields_;
    decltype(answer_traits::read_body) read_body_;
    state state_ = state::open;
    body_framing framing_ = body_framing::length;
    bool announced_close_ = false;
    bool retired_ = false;
    bool watching_ = false;
    bool reading_stopped_ = false;
    bool peer_gone_ = false;
    std::function<void()> listener_;
    std::optional<deadline> next_look_;
};

}  // namespace common::net
