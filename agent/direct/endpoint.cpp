#include "agent/direct/endpoint.hpp"

#include <utility>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "common/api/upload_request.hpp"
#include "common/auth/challenge.hpp"
#include "common/auth/logged_checker.hpp"
#include "common/auth/resource.hpp"
#include "common/net/tls_reload.hpp"

namespace agent::direct {

namespace asio = boost::asio;
using common::auth::server_kind;
using common::net::http_exchange;
using common::net::http_request;

namespace {

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds look_every(1);
// As at the hub: a program whose key was revoked may go on calling, and others behind its address have keys that are right.
constexpr common::auth::throttle_options wrong_credentials{
    .attempts_max = 300, .window = std::chrono::minutes(1), .doublings_max = 0};

std::int64_t unix_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::shared_ptr<const common::net::fetch_guard> guard_of(const endpoint_config& config,
                                                         common::net::ssl_context_ptr trust) {
    auto guard = std::make_shared<common::net::fetch_guard>();
    guard->allowed = config.fetch_allowed;
    guard->trust = std::move(trust);
    if (const auto own = boost::urls::parse_uri(config.public_url)) guard->own_names.push_back(own->host_address());
    return guard;
}

common::mcp::engine_options with_challenge(common::mcp::engine_options options, const std::string& public_url) {
    options.challenge = [public_url](const proto::principal& who, const proto::error& error) {
        return common::auth::scope_challenge(public_url, who, error);
    };
    return options;
}

}  // namespace

std::expected<std::unique_ptr<endpoint>, std::string> endpoint::make(endpoint_config config, std::filesystem::path keys,
                                                                     endpoint_services services,
                                                                     common::mcp::engine_options mcp) {
    live_keys there(keys);
    const bool has_keys = there.has_any(unix_ms());
    if (config.auth_server.issuer.empty() && !there.trouble().empty()) return std::unexpected(there.trouble());
    if (config.auth_server.issuer.empty() && !has_keys)
        return std::unexpected(
            "--listen lets in nobody without a credential, and there is none yet. Make an API key (codez key new NAME), or "
            "name an authorization server (--auth-server URL --auth-subject SUB).");
    tls_ptr tls;
    if (!config.tls_certificate.empty()) {
        auto loaded = common::net::server_tls_context::load(config.tls_certificate, config.tls_key);
        if (!loaded) return std::unexpected(std::move(loaded.error().message));
        tls = std::move(*loaded);
    }
    common::net::ssl_context_ptr trust;
    if (!config.auth_server.issuer.empty()) {
        auto made = common::net::make_client_tls_context(config.fetch_ca.string());
        if (!made) return std::unexpected(std::move(made.error().message));
        trust = std::move(*made);
    }
    return std::unique_ptr<endpoint>(new endpoint(std::move(config), std::move(keys), std::move(services),
                                                  std::move(mcp), std::move(tls), std::move(trust)));
}

endpoint::endpoint(endpoint_config config, std::filesystem::path keys, endpoint_services services,
                   common::mcp::engine_options mcp, tls_ptr tls, common::net::ssl_context_ptr trust)
    : config_(std::move(config)),
      services_(std::move(services)),
      tls_(std::move(tls)),
      trust_(std::move(trust)),
      keys_(std::move(keys)),
      verifier_(keys_, tokens(), unix_ms),
      wrong_credentials_(wrong_credentials),
      engine_(services_.tools, with_challenge(std::move(mcp), config_.public_url)),
      front_(common::auth::resource_server(
                 {config_.public_url, config_.allowed_origins, config_.auth_server.issuer},
                 [this](std::string credential) { return verifier_.verify(std::move(credential)); },
                 [this](const http_request& request) { return wrong_credential(request); }),
             config_.public_url, engine_, services_.upload) {}

token_options endpoint::tokens() {
    token_options out;
    const auto& server = config_.auth_server;
    if (server.issuer.empty()) return out;
    common::auth::server_access access{
        .fetch = [](common::net::http_client_request request) { return common::net::fetch(std::move(request)); },
        .guard = guard_of(config_, trust_),
        .time = {}};
    auto checker = common::auth::make_checker(services_.executor, server,
                                              common::auth::own_audiences(config_.public_url), std::move(access));
    out.checker = common::auth::make_logged(std::move(checker), services_.log);
    out.subjects = config_.subjects;
    out.may_grow = server.kind != server_kind::authkit;
    if (server.kind == server_kind::authkit)
        services_.log.warning("tokens of the AuthKit that were made for another service are taken too",
                              {{"issuer", server.issuer}});
    return out;
}

std::optional<std::chrono::milliseconds> endpoint::wrong_credential(const http_request& request) {
    const auto address = common::net::client_address(request, config_.trusted_proxies);
    return wrong_credentials_.attempt(common::net::throttle_key(address), std::chrono::steady_clock::now());
}

std::expected<void, std::string> endpoint::open() {
    common::net::listener_options options;
    options.address = config_.listen.host;
    options.port = config_.listen.port;
    options.tls = tls_;
    options.leaves_body = common::api::is_upload;
    options.answer_fields = [this](const http_request& request) { return front_.answer_fields(request); };
    auto opened = common::net::listener::open(
        services_.executor, options, [this](http_exchange& exchange) { return front_.handle(exchange); },
        [this](std::string_view message) { services_.log.error(message); });
    if (!opened) return std::unexpected(std::move(opened.error().message));
    listener_ = std::move(*opened);
    services_.log.info("the agent is reached directly",
                       {{"url", config_.public_url + "/mcp"},
                        {"listen", fmt::format("{}:{}", listener_->address(), listener_->port())}});
    return {};
}

std::uint16_t endpoint::port() const { return listener_->port(); }

asio::awaitable<void> endpoint::watch() {
    asio::steady_timer timer(services_.executor);
    for (;;) {
        timer.expires_after(look_every);
        auto [ec] = co_await timer.async_wait(as_tuple);
        if (ec) co_return;
        engine_.shut_out([this](const proto::principal& who) { return verifier_.has_ended(who); });
    }
}

asio::awaitable<void> endpoint::reload_on_hangup() {
    if (tls_) co_await common::net::reload_on_hangup(services_.executor, tls_, services_.log);
}

void endpoint::end_streams() {
    engine_.end_streams([](const proto::principal&) { return true; });
}

asio::awaitable<void> endpoint::stop(std::chrono::milliseconds grace) {
    if (listener_) std::ignore = co_await listener_->stop(grace);
}

}  // namespace agent::direct
