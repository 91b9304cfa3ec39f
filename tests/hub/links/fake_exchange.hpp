// An HTTP exchange without a socket: holds the answer; upgrades to the WebSocket that it was given.
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "common/net/http.hpp"
#include "common/net/websocket_channel.hpp"

namespace tests {

class fake_exchange final : public common::net::http_exchange {
public:
    explicit fake_exchange(common::net::http_request request) : request_(std::move(request)) {}

    const common::net::http_request& request() const override { return request_; }
    boost::asio::awaitable<bool> respond(common::net::http_response response) override {
        ++answers;
        status = response.status;
        fields = std::move(response.fields);
        body = std::move(response.body);
        co_return true;
    }
    boost::asio::awaitable<bool> start(int, common::net::http_fields) override { co_return false; }
    boost::asio::awaitable<bool> write(std::string_view) override { co_return false; }
    boost::asio::awaitable<bool> finish() override { co_return false; }
    void abort() override {}
    void on_peer_closed(std::function<void()>) override {}
    boost::asio::awaitable<std::unique_ptr<common::net::websocket_channel>> accept_websocket(std::string subprotocol,
                                                                                             std::size_t) override {
        wanted_subprotocol = std::move(subprotocol);
        co_return std::move(channel);
    }

    std::string field(std::string_view name) const { return std::string(fields.find(name).value_or("")); }
    nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }

    int answers = 0;
    int status = 0;
    common::net::http_fields fields;
    std::string body;
    std::unique_ptr<common::net::websocket_channel> channel;
    std::string wanted_subprotocol;

private:
    common::net::http_request request_;
};

}  // namespace tests
