#include "common/net/websocket_handshake.hpp"

#include <algorithm>

#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/websocket.hpp>

#include "common/net/http_format.hpp"
#include "common/net/websocket_core.hpp"

namespace common::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ws = boost::beast::websocket;
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

}  // namespace

std::optional<http_response> refuse_websocket(const http_request& request, std::string_view subprotocol) {
    const auto field = [&request](std::string_view name) {
        return request.fields.find(name).value_or(std::string_view());
    };
    if (request.method != "GET" || !list_contains(field("upgrade"), "websocket") ||
        !list_contains(field("connection"), "upgrade") || field("sec-websocket-version") != "13") {
        auto response =
            error_response(426, "upgrade_required", "This address speaks WebSocket (RFC 6455, version 13).");
        response.fields.add("Upgrade", "websocket");
        response.fields.add("Sec-WebSocket-Version", "13");
        return response;
    }
    const auto key = field("sec-websocket-key");
    if (request.fields.count("sec-websocket-key") != 1 || key.size() != 24 || !key.ends_with("==")) {
        return error_response(400, "bad_request", "Sec-WebSocket-Key must be 16 bytes in base64.");
    }
    const bool offered =
        subprotocol.empty() || std::ranges::any_of(request.fields.all(), [subprotocol](const auto& offer) {
            return beast::iequals(offer.first, "sec-websocket-protocol") && list_contains(offer.second, subprotocol);
        });
    if (!offered) {
        return error_response(400, "bad_request",
                              "Sec-WebSocket-Protocol must offer \"" + std::string(subprotocol) + "\".");
    }
    return std::nullopt;
}

asio::awaitable<std::unique_ptr<websocket_channel>> accept_websocket_channel(stream connection,
                                                                             connection_registry::ticket ticket,
                                                                             http_request request,
                                                                             websocket_accept_options options) {
    http::request<http::empty_body> head(http::verb::get, request.path, 11);
    for (const auto& [name, value] : request.fields.all()) head.insert(name, value);

    const auto core =
        std::make_shared<websocket_core>(std::move(connection), options.message_bytes_max, std::move(ticket));
    auto& socket = core->websocket();
    socket.set_option(ws::stream_base::decorator([subprotocol = options.subprotocol](ws::response_type& response) {
        response.erase(http::field::server);
        if (!subprotocol.empty()) response.set(http::field::sec_websocket_protocol, subprotocol);
    }));
    deadline limit(socket.get_executor(), [&socket] { socket.next_layer().cut(); });
    limit.arm(options.timeout);
    const auto [ec] = co_await socket.async_accept(head, nothrow);
    if (ec) co_return nullptr;
    core->begin();
    co_return make_websocket_channel(core);
}

asio::awaitable<std::expected<std::unique_ptr<websocket_channel>, websocket_refusal>> request_websocket_channel(
    stream connection, websocket_request_options options) {
    const auto core = std::make_shared<websocket_core>(std::move(connection), options.message_bytes_max,
                                                       connection_registry::ticket());
    auto& socket = core->websocket();
    socket.set_option(ws::stream_base::decorator(
        [fields = options.fields, subprotocol = options.subprotocol](ws::request_type& request) {
            request.erase(http::field::user_agent);
            if (!subprotocol.empty()) request.set(http::field::sec_websocket_protocol, subprotocol);
            for (const auto& [name, value] : fields.all()) request.insert(name, value);
        }));
    websocket_refusal refusal;
    deadline limit(socket.get_executor(), [&] {
        refusal.timed_out = true;
        socket.next_layer().cut();
    });
    limit.arm(options.timeout);
    ws::response_type response;
    const auto [ec] = co_await socket.async_handshake(response, options.host, options.target, nothrow);
    limit.disarm();
    if (ec == ws::error::upgrade_declined) refusal.status = static_cast<int>(response.result_int());
    if (ec) {
        refusal.reason = ec.message();
        co_return std::unexpected(std::move(refusal));
    }
    if (response[http::field::sec_websocket_protocol] != options.subprotocol) {
        refusal.reason = "it does not speak the subprotocol " + options.subprotocol;
        co_return std::unexpected(std::move(refusal));
    }
    core->begin();
    co_return make_websocket_channel(core);
}

}  // namespace common::net
