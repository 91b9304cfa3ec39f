#include "hub/app.hpp"

#include <csignal>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "common/api/upload_request.hpp"
#include "common/async/blocking_pool.hpp"
#include "common/async/program_context.hpp"
#include "common/auth/challenge.hpp"
#include "common/auth/resource.hpp"
#include "common/cli/port_file.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/sealer.hpp"
#include "common/mcp/engine.hpp"
#include "common/net/fetch_guard.hpp"
#include "common/net/listener.hpp"
#include "common/net/tls_reload.hpp"
#include "hub/api/uploads.hpp"
#include "hub/external/identities.hpp"
#include "hub/external/sign_in.hpp"
#include "hub/front/front.hpp"
#include "hub/identity/ended_keys.hpp"
#include "hub/identity/verifier.hpp"
#include "hub/links/enrolment.hpp"
#include "hub/links/link_host.hpp"
#include "hub/oauth/bearer.hpp"
#include "hub/oauth/client_documents.hpp"
#include "hub/oauth/secrets.hpp"
#include "hub/oauth/server.hpp"
#include "hub/ops/ops.hpp"
#include "hub/people/people_pages.hpp"
#include "hub/refuse.hpp"
#include "hub/relay/router.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/limits.hpp"

namespace hub {

namespace asio = boost::asio;
namespace limits = proto::limits;

std::string database_url(const std::filesystem::path& data, const std::string& database) {
    if (!database.empty()) return database;
    return "sqlite://" + (std::filesystem::absolute(data) / "hub.db").string();
}

namespace {

constexpr std::size_t pool_threads = 4;
constexpr std::size_t pool_queue_max = 4096;

// The members' order is the order of dependence; its reverse is the teardown.
class app {
public:
    app(const serve_config& config, std::unique_ptr<common::db::database> database, tenancy::hub_keys keys,
        common::crypto::ed25519_key signing_key, common::crypto::es256_key id_token_key,
        std::shared_ptr<common::net::server_tls_context> tls, common::net::ssl_context_ptr trust)
        : config_(config),
          log_(config.log_format, config.log_level),
          tls_(std::move(tls)),
          trust_(std::move(trust)),
          database_(std::move(database)),
          store_(*database_),
          pool_(pool_threads, pool_queue_max),
          sealer_(std::move(keys.sealing_keys)),
          key_(std::move(signing_key)),
          id_token_key_(std::move(id_token_key)),
          verifier_(store_, pool_, verifier_options()),
          links_(context_.get_executor()),
          machines_(store_, pool_, links_, sessions_),
          audit_(context_.get_executor(), store_, pool_, log_),
          cursors_(store_, pool_),
          router_(machines_, links_, sessions_, cursors_, audit_),
          engine_(router_, engine_options()),
          ended_keys_(
              store_, pool_, [this] { return list_ended(); },
              [this](const identity::ended_keys::ids& ended) { shut_out(ended); }) {}

    ~app() {
        passwords_.stop();
        pool_.stop();
        context_.abandon_handlers();
    }
    app(const app&) = delete;
    app& operator=(const app&) = delete;

    int run();

private:
    common::mcp::engine_options engine_options();
    identity::verifier_options verifier_options();
    tenancy::result<identity::verified> find_access_token(const std::string& hash);
    tenancy::result<std::vector<std::string>> list_ended();
    common::auth::server_access server_access() const;
    void open_external_sign_in();
    void open_sign_in_providers();
    void open_front();
    void shut_out(const identity::ended_keys::ids& ended);
    bool open_listeners();
    std::shared_ptr<const common::net::fetch_guard> fetch_guard() const;
    asio::awaitable<void> until_signalled();

    serve_config config_;
    common::log::logger log_;
    common::async::program_context context_{1};
    std::shared_ptr<common::net::server_tls_context> tls_;
    common::net::ssl_context_ptr trust_;  // of servers from which the hub fetches
    std::unique_ptr<common::db::database> database_;
    tenancy::store store_;
    people::store people_{*database_};
    oauth::store grants_{*database_};
    external::identities external_people_{*database_};
    common::async::blocking_pool pool_;
    common::crypto::sealer sealer_;
    common::crypto::ed25519_key key_;
    common::crypto::es256_key id_token_key_;
    people::passkey_store passkeys_{*database_};
    people::password_hasher passwords_;
    people::sign_in_limits sign_in_limits_{config_.trusted_proxies};
    oauth::request_limits oauth_limits_{{config_.trusted_proxies, config_.registrations_per_hour}};
    std::optional<external::sign_in> external_sign_in_;
    identity::verifier verifier_;
    links::registry links_;
    directory::sessions sessions_;
    relay::machine_finder machines_;
    relay::call_audit audit_;
    relay::fleet_cursors cursors_;
    relay::router router_;
    common::mcp::engine engine_;
    identity::ended_keys ended_keys_;
    api::uploads uploads_{machines_, audit_};
    std::optional<links::link_host> link_host_;
    std::optional<links::hub_identity> identity_;
    std::optional<links::enrolment> enrolment_;
    std::optional<oauth::client_documents> client_documents_;
    std::optional<people::sessions> signed_in_;
    people::linked_accounts linked_accounts_{*database_};
    upstream::visits sign_in_visits_{*database_};
    std::optional<upstream::providers> sign_in_providers_;
    std::optional<people::people_pages> people_pages_;
    std::optional<oauth::server> authorization_server_;
    std::optional<front::front> front_;
    std::optional<ops::ops> ops_;
    std::unique_ptr<common::net::listener> listener_;
    std::unique_ptr<common::net::listener> ops_listener_;
};

common::mcp::engine_options app::engine_options() {
    common::mcp::engine_options options;
    options.server_name = "codez-hub";
    options.server_title = "CodeZ hub";
    options.server_version = CODEZ_VERSION;
    options.seal = [this](std::string_view plain, std::string_view with) { return sealer_.seal(plain, with); };
    options.open = [this](std::string_view sealed, std::string_view with) { return sealer_.open(sealed, with); };
    options.random_token = common::crypto::random_token;
    options.challenge = [this](const proto::principal& who, const proto::error& error) {
        return common::auth::scope_challenge(config_.public_url, who, error);
    };
    options.report_bug = [this](std::string_view request_id, std::string_view what) {
        log_.error("a call failed with a bug", {{"request_id", request_id}, {"what", what}});
    };
    return options;
}

identity::verifier_options app::verifier_options() {
    identity::verifier_options options;
    options.tokens.looks_like = [](std::string_view credential) {
        return oauth::looks_like(oauth::access_token_prefix, credential);
    };
    options.tokens.find = [this](const std::string& hash) { return find_access_token(hash); };
    if (config_.auth_server.issuer.empty()) return options;
    options.external.check = [this](std::string token) { return external_sign_in_->check(std::move(token)); };
    options.external.find = [this](const common::auth::token_claims& claims) {
        return external_sign_in_->look_up(claims);
    };
    return options;
}

tenancy::result<identity::verified> app::find_access_token(const std::string& hash) {
    const auto found = grants_.find_access_token(hash);
    if (!found) return std::unexpected(found.error());
    return oauth::bearer_of(*found, config_.public_url);
}

tenancy::result<std::vector<std::string>> app::list_ended() {
    constexpr std::int64_t told_for_ms = 3'600'000;
    auto ended = grants_.list_ended_grants();
    const auto links = external_people_.list_ended(tenancy::system_time_ms() - told_for_ms);
    if (ended && links) ended->insert(ended->end(), links->begin(), links->end());
    return ended;
}

common::auth::server_access app::server_access() const {
    return {.fetch = [](common::net::http_client_request request) { return common::net::fetch(std::move(request)); },
            .guard = fetch_guard(),
            .time = {}};
}

void app::open_sign_in_providers() {
    sign_in_providers_.emplace(context_.get_executor(), config_.sign_in_providers, config_.public_url, server_access());
    for (const auto& one : config_.sign_in_providers)
        log_.info("people may sign in with accounts of a provider",
                  {{"provider", one.id}, {"callback", upstream::callback_url(config_.public_url, one.id)}});
}

void app::open_external_sign_in() {
    if (config_.auth_server.issuer.empty()) return;
    auto checker = common::auth::make_checker(context_.get_executor(), config_.auth_server,
                                              common::auth::own_audiences(config_.public_url), server_access());
    const bool is_authkit = config_.auth_server.kind == common::auth::server_kind::authkit;
    external_sign_in_.emplace(std::move(checker), external_people_, log_, !is_authkit);
    if (is_authkit)
        log_.warning("whoever has any token of the AuthKit gets in, also one that was made for another service",
                     {{"issuer", config_.auth_server.issuer}});
}

void app::shut_out(const identity::ended_keys::ids& ended) {
    for (const auto& id : ended) verifier_.invalidate(id);
    engine_.shut_out([&](const proto::principal& who) {
        return ended.contains(who.client_id) || ended.contains(external::identity_of_client(who.client_id));
    });
}

bool app::open_listeners() {
    common::net::listener_options options;
    options.address = config_.listen.host;
    options.port = config_.listen.port;
    options.tls = tls_;
    options.leaves_body = common::api::is_upload;
    options.answer_fields = [this](const common::net::http_request& request) { return front_->answer_fields(request); };
    const auto failed = [this](std::string_view message) { log_.error(message); };
    auto opened = common::net::listener::open(
        context_.get_executor(), options,
        [this](common::net::http_exchange& exchange) { return front_->handle(exchange); }, failed);
    if (!opened) {
        refuse(opened.error().message);
        return false;
    }
    listener_ = std::move(*opened);

    common::net::listener_options ops_options;
    ops_options.address = config_.ops_listen.host;
    ops_options.port = config_.ops_listen.port;
    auto ops_opened = common::net::listener::open(
        context_.get_executor(), ops_options,
        [this](common::net::http_exchange& exchange) { return ops_->handle(exchange); }, failed);
    if (!ops_opened) {
        refuse(ops_opened.error().message);
        return false;
    }
    ops_listener_ = std::move(*ops_opened);
    return true;
}

std::shared_ptr<const common::net::fetch_guard> app::fetch_guard() const {
    auto guard = std::make_shared<common::net::fetch_guard>();
    guard->allowed = config_.fetch_allowed;
    guard->trust = trust_;
    const auto own = boost::urls::parse_uri(config_.public_url);
    if (own) guard->own_names.push_back(own->host_address());
    return guard;
}

void app::open_front() {
    signed_in_.emplace(config_.public_url, people_, pool_);
    client_documents_.emplace(context_.get_executor(), oauth::fetch_documents_by(fetch_guard()));
    authorization_server_.emplace(config_.public_url, grants_, pool_, *client_documents_, *signed_in_, id_token_key_,
                                  oauth_limits_);
    open_sign_in_providers();
    people_pages_.emplace(people::services{people_, passkeys_, *signed_in_, passwords_, sign_in_limits_, pool_, log_,
                                           linked_accounts_, *sign_in_providers_, sign_in_visits_, config_.public_url});
    front::front_handlers handlers;
    handlers.is_page = people::people_pages::serves;
    handlers.pages = [this](common::net::http_exchange& exchange) { return people_pages_->handle(exchange); };
    handlers.link = [this](common::net::http_exchange& exchange) { return link_host_->handle(exchange); };
    handlers.enroll = [this](common::net::http_exchange& exchange) { return enrolment_->handle(exchange); };
    handlers.upload = [this](common::net::http_exchange& exchange, const proto::principal& who) {
        return uploads_.handle(exchange, who);
    };
    handlers.wrong_credential = [this](const common::net::http_request& request) {
        return oauth_limits_.wrong_credential(request);
    };
    handlers.resource_servers = [this](common::net::http_exchange& exchange, const proto::principal& who) {
        return authorization_server_->serve_resources(exchange, who);
    };
    handlers.authorization_server = [this](common::net::http_exchange& exchange, oauth::endpoint which) {
        return authorization_server_->handle(exchange, which);
    };
    front_.emplace(front::front_options{config_.public_url, config_.allowed_origins, config_.auth_server.issuer},
                   verifier_, engine_, std::move(handlers));
}

int app::run() {
    // The handlers find front_ and ops_ when the first request comes: the public URL needs the listener's port.
    if (!open_listeners()) return 1;
    if (config_.public_url.empty())
        config_.public_url = fmt::format("{}://127.0.0.1:{}", tls_ ? "https" : "http", listener_->port());
    while (config_.public_url.ends_with('/')) config_.public_url.pop_back();

    const std::string kid = common::crypto::base32_encode(common::crypto::sha256(key_.public_key()).substr(0, 10));
    identity_.emplace(links::hub_identity{"hub_" + kid, kid, config_.public_url, key_});
    link_host_.emplace(context_.get_executor(), *identity_, store_, pool_, links_, sessions_, log_);
    enrolment_.emplace(*identity_, store_, pool_, log_);
    open_external_sign_in();
    open_front();
    ops_.emplace(store_, pool_, links_);

    asio::co_spawn(context_, link_host_->keep_time(), asio::detached);
    asio::co_spawn(context_, audit_.keep_pruned(std::chrono::hours(24) * config_.audit_days), asio::detached);
    asio::co_spawn(context_, ended_keys_.watch(), asio::detached);
    asio::co_spawn(context_, authorization_server_->keep_pruned(), asio::detached);
    asio::co_spawn(context_, until_signalled(), asio::detached);
    asio::co_spawn(context_, common::net::reload_on_hangup(context_.get_executor(), tls_, log_), asio::detached);
    const nlohmann::json ports{{"port", listener_->port()}, {"ops_port", ops_listener_->port()}};
    if (const auto written = common::cli::write_port_file(config_.port_file, ports); !written) {
        refuse(written.error());
        return 1;
    }
    log_.info("codez-hub serves", {{"url", config_.public_url + "/mcp"},
                                   {"listen", fmt::format("{}:{}", listener_->address(), listener_->port())},
                                   {"ops", fmt::format("{}:{}", ops_listener_->address(), ops_listener_->port())}});
    context_.run();
    return 0;
}

asio::awaitable<void> app::until_signalled() {
    asio::signal_set signals(context_, SIGTERM, SIGINT);
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    auto [ec, number] = co_await signals.async_wait(token);
    if (ec) co_return;
    log_.info("codez-hub stops", {{"signal", number}});
    // The second signal ends the program at once.
    signals.async_wait([this](const boost::system::error_code& again, int) {
        if (!again) context_.stop();
    });
    // No new connections from here on; those there are end with what they are at, the machines' links by being drained.
    const std::chrono::milliseconds grace(limits::shutdown_ms_max);
    asio::co_spawn(context_, link_host_->drain(std::chrono::steady_clock::now() + grace), asio::detached);
    engine_.end_streams([](const proto::principal&) { return true; });
    std::ignore = co_await listener_->stop(grace + std::chrono::seconds(1));
    std::ignore = co_await ops_listener_->stop(std::chrono::milliseconds(500));
    const bool audited = co_await audit_.flush(std::chrono::steady_clock::now() + std::chrono::seconds(2));
    if (!audited) log_.error("the last calls were not audited: the database did not answer");
    context_.stop();
}

}  // namespace

int serve(const serve_config& config) {
    std::shared_ptr<common::net::server_tls_context> tls;
    if (!config.tls_certificate.empty()) {
        auto loaded = common::net::server_tls_context::load(config.tls_certificate, config.tls_key);
        if (!loaded) return refuse(loaded.error().message);
        tls = std::move(*loaded);
    }
    auto trust = common::net::make_client_tls_context(config.fetch_ca.string());
    if (!trust) return refuse(trust.error().message);
    if (config.database.empty() && !std::filesystem::exists(config.data / "hub.db"))
        return refuse(fmt::format("There is no hub in {}. Make one: codez-hub init --data {}", config.data.string(),
                                  config.data.string()));
    auto database = common::db::open(database_url(config.data, config.database));
    if (!database) return refuse("The database cannot be opened: " + database.error().message);
    tenancy::store store(**database);
    if (const auto migrated = store.migrate(); !migrated) return refuse(migrated.error().message);
    auto keys = store.load_or_create_keys();
    if (!keys) return refuse(keys.error().message);
    auto key = common::crypto::ed25519_key::from_pem(keys->signing_key_pem);
    auto id_token_key = common::crypto::es256_key::from_pem(keys->id_token_key_pem);
    if (!key || !id_token_key)
        return refuse("The hub's key in the database is damaged. Restore the database from a backup.");
    return app(config, std::move(*database), std::move(*keys), std::move(*key), std::move(*id_token_key),
               std::move(tls), std::move(*trust))
        .run();
}

}  // namespace hub
