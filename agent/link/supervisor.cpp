#include "agent/link/supervisor.hpp"

#include <sys/utsname.h>

#include <fstream>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/link/connection.hpp"
#include "common/async/backoff.hpp"
#include "common/async/event_signal.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "proto/catalogue.hpp"
#include "proto/limits.hpp"

namespace agent::link {

namespace asio = boost::asio;
namespace limits = proto::limits;
using proto::close_code;

namespace {

std::string boot_id() {
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::string id;
    in >> id;
    return id.empty() ? "unknown" : id;
}

std::string websocket_url(const std::string& hub_url) {
    // http → ws, https → wss
    return "ws" + hub_url.substr(4) + "/agent/v1/link";
}

// The hub said that dialling again is of no use until a person did something. Not `superseded`: if it was a copy of this
// machine's key that took over, only dialling again lets the hub find out.
bool is_final(std::uint16_t code) {
    return code == static_cast<std::uint16_t>(close_code::revoked) ||
           code == static_cast<std::uint16_t>(close_code::key_conflict);
}

std::function<double()> jitter() {
    return [engine = std::mt19937_64(std::random_device{}())]() mutable {
        return std::uniform_real_distribution<double>(0, 1)(engine);
    };
}

}  // namespace

class supervisor::impl : public std::enable_shared_from_this<supervisor::impl> {
public:
    impl(asio::any_io_executor executor, supervisor_config config, common::mcp::backend& tools, events::log& log,
         session::engine& sessions, uploads::spool& uploads, common::log::logger& logger)
        : executor_(executor),
          config_(std::move(config)),
          settings_(config_.settings),
          tools_(tools),
          log_(log),
          sessions_(sessions),
          uploads_(uploads),
          logger_(logger),
          retry_(executor),
          changed_(executor),
          backoff_(fresh_backoff()) {}

    asio::awaitable<void> run(std::shared_ptr<impl> self);
    void stop();
    void sessions_changed() {
        if (current_) current_->link->sessions_changed();
    }
    void on_renamed(std::function<void(const std::string&)> observer) { renamed_ = std::move(observer); }
    void on_restored(std::function<void(const std::string&)> observer) { restored_ = std::move(observer); }
    link_status status() const { return {current_ && current_->link->established(), settings_.hub_url, trouble_}; }

private:
    struct dialled {
        std::shared_ptr<connection> link;
        std::optional<connection_end> end;
    };

    asio::awaitable<connection_end> link_once();
    asio::awaitable<connection_end> dial();
    std::shared_ptr<dialled> begin(std::unique_ptr<common::net::websocket_channel> channel);
    void ended(const std::shared_ptr<dialled>& one, connection_end end);
    proto::agent_link_config link_config(const std::string& exporter);
    bool store(const proto::welcome& welcome);
    bool save();
    void tell_restored();
    void tell(std::string trouble);
    common::async::backoff fresh_backoff() const {
        return {{std::chrono::milliseconds(limits::reconnect_first_ms),
                 std::chrono::milliseconds(limits::reconnect_ms_max), std::chrono::seconds(60)},
                config_.random ? config_.random : jitter()};
    }

    asio::any_io_executor executor_;
    supervisor_config config_;
    link_settings settings_;  // as the last welcome left them
    common::mcp::backend& tools_;
    events::log& log_;
    session::engine& sessions_;
    uploads::spool& uploads_;
    common::log::logger& logger_;
    asio::steady_timer retry_;
    common::async::event_signal changed_;  // a link ended, or its hub asks to go
    common::async::backoff backoff_;
    std::shared_ptr<dialled> current_;
    std::vector<std::shared_ptr<dialled>> leaving_;  // their hubs drain: the calls in flight still end on them
    std::function<void(const std::string&)> renamed_;
    std::function<void(const std::string&)> restored_;
    std::optional<std::chrono::steady_clock::time_point> down_since_;
    std::string trouble_ = "The link to the hub is not up yet.";
    std::string store_trouble_;  // why the link counter could not be stored
    bool stopping_ = false;
};

proto::agent_link_config supervisor::impl::link_config(const std::string& exporter) {
    utsname names{};
    ::uname(&names);
    proto::agent_link_config config;
    auto& hello = config.greeting;
    hello.machine_id = settings_.machine_id;
    hello.kid = common::crypto::base32_encode(common::crypto::sha256(config_.key.public_key()).substr(0, 10));
    hello.version = CODEZ_VERSION;
    hello.boot_id = boot_id();
    hello.link_counter = settings_.link_counter;
    hello.resume.epoch = settings_.epoch;
    hello.log_id = log_.log_id();
    hello.last_seq = log_.last_seq();
    hello.catalogue = proto::tools().digest();
    hello.tools = proto::tools().names();
    hello.abilities = {std::string(proto::questions_ability), std::string(proto::call_body_ability)};
    hello.hostname = names.nodename;
    hello.os = names.sysname;
    hello.arch = names.machine;
    config.hub_origin = settings_.hub_url;
    config.tls_exporter = exporter;
    config.make_nonce = [] { return common::crypto::random_bytes(limits::handshake_nonce_bytes); };
    config.sign = [key = config_.key](std::string_view text) { return key.sign(text); };
    config.verify_hub = [keys = settings_.hub_keys](std::string_view kid, std::string_view text,
                                                    std::string_view signature) {
        const auto found = keys.find(std::string(kid));
        return found != keys.end() && common::crypto::ed25519_key::verify(found->second, text, signature);
    };
    return config;
}

bool supervisor::impl::store(const proto::welcome& welcome) {
    settings_.link_counter = welcome.link_counter;
    settings_.epoch = welcome.epoch;
    const bool renamed = !welcome.machine_name.empty() && welcome.machine_name != settings_.machine_name;
    if (renamed) settings_.machine_name = welcome.machine_name;
    if (!save()) return false;
    tell_restored();
    trouble_.clear();
    if (renamed && renamed_) renamed_(settings_.machine_name);
    backoff_.connected(std::chrono::steady_clock::now());
    logger_.info("linked to the hub", {{"hub", settings_.hub_url}, {"epoch", welcome.epoch}});
    return true;
}

void supervisor::impl::tell_restored() {
    if (!down_since_) return;
    const auto away = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - *down_since_);
    down_since_.reset();
    if (restored_)
        restored_(fmt::format("The link is up again after {} s. It was away because: {}", away.count(), trouble_));
}

bool supervisor::impl::save() {
    auto saved = save_link_settings(config_.files.link_file(), settings_);
    store_trouble_ = saved ? std::string() : std::move(saved.error());
    return saved.has_value();
}

void supervisor::impl::tell(std::string trouble) {
    if (trouble != trouble_) logger_.warning(trouble);
    if (!down_since_) down_since_ = std::chrono::steady_clock::now();
    trouble_ = std::move(trouble);
}

asio::awaitable<connection_end> supervisor::impl::dial() {
    common::net::websocket_client_options options;
    options.url = websocket_url(settings_.hub_url);
    options.subprotocol = proto::link_subprotocol;
    options.ca_file = settings_.ca_file;
    options.message_bytes_max = limits::link_message_bytes_max;
    options.http_proxy = common::net::proxy_for(options.url, common::net::process_environment());
    auto channel = co_await config_.dial(std::move(options));
    if (stopping_) co_return connection_end{};
    if (!channel) {
        tell(fmt::format("The hub {} cannot be reached: {}", settings_.hub_url, channel.error().message));
        co_return connection_end{};
    }
    const auto one = begin(std::move(*channel));
    while (!one->end && !one->link->draining()) co_await changed_.wait();
    if (one->end) co_return *one->end;
    leaving_.push_back(one);
    co_return connection_end{static_cast<std::uint16_t>(close_code::draining), "The hub is about to stop.", true};
}

std::shared_ptr<supervisor::impl::dialled> supervisor::impl::begin(
    std::unique_ptr<common::net::websocket_channel> channel) {
    auto config = link_config(channel->tls_exporter(proto::link_exporter_label));
    connection_services services;
    services.tools = &tools_;
    services.log = &log_;
    services.sessions = &sessions_;
    services.uploads = &uploads_;
    services.workspace_id = settings_.workspace_id;
    services.store_welcome = [weak = weak_from_this()](const proto::welcome& welcome) {
        const auto self = weak.lock();
        return self && self->store(welcome);
    };
    services.on_draining = [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->changed_.notify_all();
    };
    services.report_bug = [&logger = logger_](std::string_view request_id, std::string_view what) {
        logger.error("a call or the link failed with a bug", {{"request_id", request_id}, {"what", what}});
    };
    const auto one = std::make_shared<dialled>();
    one->link = std::make_shared<connection>(std::move(channel), std::move(config), std::move(services));
    current_ = one;
    asio::co_spawn(executor_, one->link->run(),
                   [self = shared_from_this(), one](const std::exception_ptr& thrown, connection_end end) {
                       if (thrown) std::rethrow_exception(thrown);
                       self->ended(one, std::move(end));
                   });
    return one;
}

void supervisor::impl::ended(const std::shared_ptr<dialled>& one, connection_end end) {
    const bool was_left = std::erase(leaving_, one) > 0;
    if (current_ == one) current_.reset();
    if (was_left && end.code == static_cast<std::uint16_t>(close_code::draining)) {
        // Its hub has stopped, so its successor may be there soon: the failures so far were that hub's.
        backoff_ = fresh_backoff();
        retry_.cancel();
    } else if (!was_left && !store_trouble_.empty()) {
        tell(store_trouble_);
    } else if (!was_left && !stopping_) {
        tell(end.reason.empty() ? fmt::format("The link to the hub {} ended.", settings_.hub_url)
                                : fmt::format("The link to the hub {} ended: {}", settings_.hub_url, end.reason));
    }
    one->end = std::move(end);
    changed_.notify_all();
}

asio::awaitable<connection_end> supervisor::impl::link_once() {
    // The hub counts each link. Were it two ahead of the file, a restart would look like a copy of this machine's key.
    if (!store_trouble_.empty() && !save()) {
        tell(store_trouble_);
        co_return connection_end{};
    }
    co_return co_await dial();
}

asio::awaitable<void> supervisor::impl::run(std::shared_ptr<impl>) {
    while (!stopping_) {
        const auto end = co_await link_once();
        if (stopping_) co_return;
        backoff_.disconnected(std::chrono::steady_clock::now());
        if (is_final(end.code)) {
            tell(fmt::format("{} The agent does not link again until it is restarted.", end.reason));
            co_return;
        }
        // 4503: the hub restarts and asks to come back at once (to another replica).
        const bool at_once = end.was_established && end.code == static_cast<std::uint16_t>(close_code::draining);
        retry_.expires_after(at_once ? std::chrono::milliseconds(50) : backoff_.next());
        constexpr auto token = asio::as_tuple(asio::use_awaitable);
        auto [ec] = co_await retry_.async_wait(token);
        (void)ec;  // cancelled: stopping, or the time has come
    }
}

void supervisor::impl::stop() {
    stopping_ = true;
    retry_.cancel();
    auto open = leaving_;
    if (current_) open.push_back(current_);
    for (const auto& one : open) one->link->close(close_code::going_away, "The agent stops.");
}

supervisor::supervisor(asio::any_io_executor executor, supervisor_config config, common::mcp::backend& tools,
                       events::log& log, session::engine& sessions, uploads::spool& uploads,
                       common::log::logger& logger)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(config), tools, log, sessions, uploads, logger)) {}

supervisor::~supervisor() = default;

asio::awaitable<void> supervisor::run() { return impl_->run(impl_); }
void supervisor::stop() { impl_->stop(); }
void supervisor::sessions_changed() { impl_->sessions_changed(); }
void supervisor::on_renamed(std::function<void(const std::string&)> observer) {
    impl_->on_renamed(std::move(observer));
}
void supervisor::on_restored(std::function<void(const std::string&)> observer) {
    impl_->on_restored(std::move(observer));
}
link_status supervisor::status() const { return impl_->status(); }

}  // namespace agent::link
