#include "hub/oauth/server.hpp"

#include <array>
#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "hub/oauth/answers.hpp"
#include "hub/oauth/metadata.hpp"
#include "hub/oauth/registration.hpp"

namespace hub::oauth {

namespace asio = boost::asio;
using common::net::http_request;
using common::net::http_response;

namespace {

struct route {
    std::string_view path;
    endpoint which;
};

constexpr std::array<route, 13> routes{{
    {"/.well-known/oauth-authorization-server", endpoint::server_metadata},
    {"/.well-known/openid-configuration", endpoint::server_metadata},
    {"/authorize", endpoint::authorize},
    {"/consent", endpoint::consent},
    {"/token", endpoint::token},
    {"/register", endpoint::registration},
    {"/revoke", endpoint::revoke},
    {"/introspect", endpoint::introspect},
    {"/userinfo", endpoint::userinfo},
    {"/jwks", endpoint::jwks},
    {"/device_authorization", endpoint::device_authorization},
    {"/device", endpoint::device},
    {"/connections", endpoint::connections},
}};

}  // namespace

endpoint endpoint_at(std::string_view path) {
    constexpr std::string_view alias = "/oauth/";
    if (path.starts_with(resource_servers_metadata_prefix)) return endpoint::resource_metadata;
    if (path.starts_with(alias)) path.remove_prefix(alias.size() - 1);
    for (const auto& one : routes)
        if (one.path == path) return one.which;
    return endpoint::none;
}

bool is_open(endpoint which) {
    switch (which) {
        case endpoint::none:
        case endpoint::authorize:
        case endpoint::consent:
        case endpoint::device:
        case endpoint::connections:
            return false;
        default:
            return true;
    }
}

server::server(std::string origin, store& rows, common::async::blocking_pool& pool, client_documents& documents,
               people::sessions& people, common::crypto::es256_key id_token_key, request_limits& limits)
    : origin_(std::move(origin)),
      rows_(rows),
      limits_(limits),
      pool_(pool),
      id_tokens_(origin_, std::move(id_token_key)),
      clients_(rows, pool, documents),
      authorization_(origin_, rows, pool, clients_, people, limits),
      devices_(origin_, rows, pool, people, limits),
      tokens_(origin_, rows, pool, clients_, devices_, id_tokens_, limits),
      resources_(origin_, rows, pool) {}

asio::awaitable<void> server::handle(common::net::http_exchange& exchange, endpoint which) {
    co_await exchange.respond(co_await answer_to(exchange.request(), which));
}

asio::awaitable<void> server::serve_resources(common::net::http_exchange& exchange, const proto::principal& who) {
    co_await exchange.respond(co_await resources_.servers(exchange.request(), who));
}

server::answer server::answer_to(const http_request& request, endpoint which) {
    switch (which) {
        case endpoint::authorize:
            co_return co_await authorization_.authorize(request);
        case endpoint::consent:
            co_return co_await authorization_.consent(request);
        case endpoint::token:
            co_return co_await tokens_.token(request);
        case endpoint::registration:
            co_return co_await register_client(request);
        case endpoint::revoke:
            co_return co_await tokens_.revoke(request);
        case endpoint::introspect:
            co_return co_await tokens_.introspect(request);
        case endpoint::userinfo:
            co_return co_await tokens_.userinfo(request);
        case endpoint::device_authorization:
            co_return co_await devices_.authorize(request);
        case endpoint::device:
            co_return co_await devices_.page(request);
        case endpoint::connections:
            co_return co_await authorization_.connections(request);
        case endpoint::resource_metadata:
            co_return co_await resources_.metadata(request);
        case endpoint::server_metadata:
        case endpoint::jwks:
        case endpoint::none:
            break;
    }
    if (request.method != "GET" && request.method != "HEAD") co_return wrong_method_answer("GET, HEAD");
    co_return public_answer(which == endpoint::jwks ? id_tokens_.key_set() : server_metadata(origin_));
}

server::answer server::register_client(const http_request& request) {
    if (request.method != "POST") co_return wrong_method_answer("POST");
    if (const auto wait = limits_.registration(request)) co_return too_many_answer(*wait);
    const auto asked = read_registration(request);
    if (!asked) co_return asked.error();
    const auto made = co_await pool_.run([&] { return rows_.register_client(asked->fields); });
    if (!made) co_return unavailable_answer();
    if (!*made) co_return database_answer(made->error());
    co_return registration_answer(*asked, **made, tenancy::system_time_ms());
}

asio::awaitable<void> server::keep_pruned() {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    for (;;) {
        std::ignore = co_await pool_.run([this] { return rows_.prune(); });
        timer.expires_after(std::chrono::minutes(5));
        auto [ec] = co_await timer.async_wait(token);
        if (ec) co_return;
    }
}

}  // namespace hub::oauth
