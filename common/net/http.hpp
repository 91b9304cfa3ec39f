// An HTTP exchange as the programs see it: Beast's types stop in common/net's sources.
// Everything here lives on the executor of its connection.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace common::net {

class websocket_channel;

// Header fields in order of arrival; names compare without case.
class http_fields {
public:
    http_fields() = default;
    http_fields(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

    void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
    void add_all(const http_fields& more) { fields_.insert(fields_.end(), more.fields_.begin(), more.fields_.end()); }
    // The first field of that name.
    std::optional<std::string_view> find(std::string_view name) const;
    std::size_t count(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

struct http_request {
    std::string method;
    std::string path;   // without the query, as sent (not decoded)
    std::string query;  // without '?'
    http_fields fields;
    std::string body;
    std::string peer_address;  // of the socket, never of a header
    std::uint16_t peer_port = 0;
    bool peer_is_loopback = false;
    bool tls = false;
};

struct http_response {
    int status = 200;
    http_fields fields;  // Content-Length is added
    std::string body;
};

// One request and its answer: exactly one of respond(), start()…finish() or accept_websocket() is used.
// Functions that write answer false when the peer has gone; nothing more can be written then.
class http_exchange {
public:
    virtual ~http_exchange() = default;

    virtual const http_request& request() const = 0;

    // The next bytes of a body that the listener leaves to its handler (listener_options::leaves_body); empty: the body is
    // over. An error is the answer to give, with status 0 if nobody is there any more to get one. Reading no further is
    // fine: what was not read is dropped with the connection, which ends with this exchange.
    virtual boost::asio::awaitable<std::expected<std::string, http_response>> read_body();
    // The rest of such a body is not wanted: a read_body() that waits for it, and each later one, fails with status 0.
    // The request can still be answered. On the connection's executor.
    virtual void stop_reading() {}

    virtual boost::asio::awaitable<bool> respond(http_response response) = 0;

    // A body of unknown length: chunked, each write() is flushed and waits until the socket took it.
    virtual boost::asio::awaitable<bool> start(int status, http_fields fields) = 0;
    virtual boost::asio::awaitable<bool> write(std::string_view piece) = 0;
    virtual boost::asio::awaitable<bool> finish() = 0;
    // Closes the connection so that the client sees a broken body, never a short one that looks whole.
    virtual void abort() = 0;

    // Called once, on the connection's executor, when the peer closes before the answer is finished. At most one
    // listener; it is dropped with the exchange, and an empty function removes it.
    virtual void on_peer_closed(std::function<void()> listener) = 0;

    // Completes a WebSocket upgrade (RFC 6455) with the given subprotocol. Null if the request is not a valid upgrade
    // or does not offer the subprotocol; it has then been answered (400 or 426).
    virtual boost::asio::awaitable<std::unique_ptr<websocket_channel>> accept_websocket(
        std::string subprotocol, std::size_t message_bytes_max) = 0;
};

}  // namespace common::net
