#include "agent/app.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>

#include "agent/claude/login_file.hpp"
#include "agent/events/log.hpp"
#include "agent/events/repairs.hpp"
#include "agent/git/diff.hpp"
#include "agent/history/projects.hpp"
#include "agent/link/link_settings.hpp"
#include "agent/link/supervisor.hpp"
#include "agent/local/local_front.hpp"
#include "agent/policy/policy.hpp"
#include "agent/private_file.hpp"
#include "agent/session/engine.hpp"
#include "agent/state_lock.hpp"
#include "agent/tools/tool_runner.hpp"
#include "agent/uploads/attachments.hpp"
#include "agent/uploads/spool.hpp"
#include "agent/uploads/upload_endpoint.hpp"
#include "common/api/upload_request.hpp"
#include "common/async/blocking_pool.hpp"
#include "common/async/event_signal.hpp"
#include "common/async/program_context.hpp"
#include "common/cli/port_file.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/sealer.hpp"
#include "common/mcp/engine.hpp"
#include "common/net/listener.hpp"
#include "proto/limits.hpp"

namespace agent {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

std::int64_t unix_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// How long the calls under way have, once they were told that the agent stops.
constexpr std::chrono::seconds calls_end_within(5);
constexpr std::chrono::seconds listener_grace(1);
// Each is a person's program on this machine; a thousand would be a fault.
constexpr std::size_t local_connections_max = 256;
constexpr std::size_t local_calls_max = 256;

// What a coroutine of the agent's own throws is a bug: it ends the program, visibly, rather than only the coroutine.
void rethrow(const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
}

// The members' order is the order of dependence; its reverse is the teardown. Coroutines of calls hold on to what they
// use: run() returns only when the last of them is done.
class app {
public:
    app(const agent_config& config, policy rules, std::unique_ptr<common::async::program_context> context,
        std::unique_ptr<events::log> log)
        : config_(config),
          logger_(config.log_format, config.log_level),
          context_(std::move(context)),
          rules_(std::move(rules)),
          pool_(2, 256),
          git_pool_(2, 32),
          log_(std::move(log)),
          repairs_(context_->get_executor(), *log_),
          bases_(config.files.state / "diffs"),
          uploads_(pool_, config.files.state / "uploads", {unix_ms}),
          attachments_(pool_, config.files.state, {unix_ms}),
          upload_endpoint_(uploads_,
                           [this](std::string_view named) { return named == machine_.id || named == machine_.name; }),
          sealer_(load_or_make_key(config.files.state / "local.key", common::crypto::sealer::key_size)),
          sessions_(session::make_engine(context_->get_executor(), session_options(), *log_)),
          started_(context_->get_executor()) {}

    ~app() {
        git_pool_.stop();
        pool_.stop();
        context_->abandon_handlers();
    }
    app(const app&) = delete;
    app& operator=(const app&) = delete;

    int run();

private:
    session::engine_options session_options();
    tools::services tool_services();
    common::mcp::engine_options mcp_options();
    std::map<pid_t, local::running_claude> running_claudes() const;
    bool load_link();
    bool open_listener();
    bool make_direct();
    bool open_direct();
    void open_link();
    std::vector<std::string> troubles() const;
    std::pair<bool, std::string> link_health() const;
    asio::awaitable<void> start();
    asio::awaitable<bool> begin();
    asio::awaitable<void> until_signalled();
    asio::awaitable<void> stop();
    [[noreturn]] void end_at_once();

    agent_config config_;
    common::log::logger logger_;
    std::unique_ptr<common::async::program_context> context_;
    policy rules_;
    common::async::blocking_pool pool_;
    common::async::blocking_pool git_pool_;
    std::unique_ptr<events::log> log_;
    events::repairs repairs_;
    git::diff_bases bases_;
    uploads::spool uploads_;
    uploads::attachments attachments_;
    uploads::upload_endpoint upload_endpoint_;
    common::crypto::sealer sealer_;
    tools::machine_identity machine_;
    std::unique_ptr<session::engine> sessions_;
    std::optional<tools::tool_runner> tools_;
    std::optional<common::mcp::engine> mcp_;
    local::peer_sessions callers_{[this] { return running_claudes(); }};
    std::optional<local::local_front> front_;
    std::unique_ptr<common::net::listener> listener_;
    std::unique_ptr<direct::endpoint> direct_;
    std::optional<link::enrolment> enrolled_;
    std::optional<link::supervisor> link_;
    common::async::event_signal started_;
    std::int64_t started_at_ms_ = unix_ms();
    bool starting_ = true;
    bool stopping_ = false;
    int status_ = 0;
};

session::engine_options app::session_options() {
    session::engine_options options;
    options.codez_binary = fs::read_symlink("/proc/self/exe");
    options.state_directory = config_.files.state;
    options.claude_path = rules_.claude().string();
    options.environment = whole_environment();
    options.claude_variables = [file = config_.files.claude_login()] { return claude::read_login_file(file); };
    options.live_max = static_cast<int>(rules_.max_sessions());
    options.on_repair = [this](std::string action, std::string details) {
        repairs_.note(std::move(action), std::move(details));
    };
    options.tool_rules = rules_.tool_rules();
    options.permission_expiry_s = rules_.permission_expiry().count();
    options.idle_ttl = rules_.idle_ttl();
    options.keep = rules_.keep();
    options.permission_mode_for = [this](const std::string& asked) {
        auto allowed = rules_.check_permission_mode(asked);
        return allowed ? *allowed : rules_.check_permission_mode({}).value();
    };
    return options;
}

tools::services app::tool_services() {
    const auto env = process_environment();
    tools::services s;
    s.sessions = sessions_.get();
    s.log = log_.get();
    s.pool = &pool_;
    s.rules = &rules_;
    s.uploads = &uploads_;
    s.attachments = &attachments_;
    s.machine = &machine_;
    s.claude_config = history::config_directory(env("CLAUDE_CONFIG_DIR").value_or(""), env("HOME").value_or(""));
    s.started_at_ms = started_at_ms_;
    s.troubles = [this] { return troubles(); };
    s.link = [this] { return link_health(); };
    s.repairs = &repairs_;
    s.state_directory = config_.files.state;
    s.git_pool = &git_pool_;
    s.bases = &bases_;
    return s;
}

common::mcp::engine_options app::mcp_options() {
    common::mcp::engine_options options;
    options.server_name = "codez";
    options.server_title = "CodeZ on this machine";
    options.server_version = CODEZ_VERSION;
    options.seal = [this](std::string_view plain, std::string_view with) { return sealer_.seal(plain, with); };
    options.open = [this](std::string_view sealed, std::string_view with) { return sealer_.open(sealed, with); };
    options.random_token = common::crypto::random_token;
    options.calls_in_flight_max = local_calls_max;
    options.report_bug = [this](std::string_view request_id, std::string_view what) {
        logger_.error("a call failed with a bug", {{"request_id", request_id}, {"what", what}});
    };
    return options;
}

std::vector<std::string> app::troubles() const {
    std::vector<std::string> out;
    if (!link_ && direct_) return out;
    if (!link_) {
        out.emplace_back("This machine is not enrolled with a hub; only programs on it can call.");
    } else if (const auto status = link_->status(); !status.linked) {
        out.push_back(status.trouble);
    }
    return out;
}

std::pair<bool, std::string> app::link_health() const {
    auto wrong = troubles();
    if (!wrong.empty()) return {false, std::move(wrong.front())};
    if (!link_) return {true, fmt::format("No hub; reached directly at {}/mcp.", config_.direct.public_url)};
    return {true, fmt::format("Linked to {}.", link_->status().hub_url)};
}

std::map<pid_t, local::running_claude> app::running_claudes() const {
    std::map<pid_t, local::running_claude> out;
    for (const auto& one : sessions_->processes())
        out.emplace(one.claude_pid, local::running_claude{one.session_id, one.depth + 1});
    return out;
}

bool app::load_link() {
    auto enrolled = link::load_enrolment(config_.files);
    if (!enrolled) {
        logger_.error(enrolled.error());
        return false;
    }
    enrolled_ = std::move(*enrolled);
    machine_.name = enrolled_ ? enrolled_->settings.machine_name : "this machine";
    if (enrolled_)
        machine_.id = enrolled_->settings.machine_id;
    else
        logger_.info("not enrolled with a hub. To enrol: codez setup --hub URL --join");
    return true;
}

bool app::open_listener() {
    common::net::listener_options options;
    options.port = config_.local_port;
    options.connections_max = options.connections_per_peer_max = local_connections_max;
    options.leaves_body = common::api::is_upload;
    options.answer_fields = [this](const common::net::http_request& request) { return front_->answer_fields(request); };
    auto opened = common::net::listener::open(
        context_->get_executor(), options,
        [this](common::net::http_exchange& exchange) { return front_->handle(exchange); },
        [this](std::string_view message) { logger_.error(message); });
    if (!opened) {
        logger_.error(opened.error().message);
        return false;
    }
    // No request is taken before this function's coroutine waits for something.
    listener_ = std::move(*opened);
    front_.emplace(
        *mcp_, local::socket_address{listener_->address(), listener_->port()}, local::user_of_peer,
        [this](const local::socket_address& peer, const local::socket_address& own) {
            return callers_.find(peer, own);
        },
        config_.allowed_origins,
        [this](common::net::http_exchange& exchange, const proto::principal& who) {
            return upload_endpoint_.handle(exchange, who);
        });
    return true;
}

bool app::make_direct() {
    if (config_.direct.listen.host.empty()) return true;
    auto upload = [this](common::net::http_exchange& exchange, const proto::principal& who) {
        return upload_endpoint_.handle(exchange, who);
    };
    auto made =
        direct::endpoint::make(config_.direct, config_.files.api_keys(),
                               {context_->get_executor(), tools_->direct(), std::move(upload), logger_}, mcp_options());
    if (!made) {
        logger_.error(made.error());
        return false;
    }
    direct_ = std::move(*made);
    return true;
}

bool app::open_direct() {
    if (!direct_) return true;
    if (const auto opened = direct_->open(); !opened) {
        logger_.error(opened.error());
        return false;
    }
    asio::co_spawn(*context_, direct_->watch(), rethrow);
    asio::co_spawn(*context_, direct_->reload_on_hangup(), rethrow);
    return true;
}

void app::open_link() {
    link::supervisor_config config{config_.files, enrolled_->settings, enrolled_->key};
    link_.emplace(context_->get_executor(), std::move(config), tools_->remote(), *log_, *sessions_, uploads_, logger_);
    link_->on_renamed([this](const std::string& name) { machine_.name = name; });
    link_->on_restored([this](const std::string& details) { repairs_.note("link.restored", details); });
    sessions_->on_summary([this](const session::summary&) { link_->sessions_changed(); });
    asio::co_spawn(*context_, link_->run(), rethrow);
}

// False: the agent cannot serve.
asio::awaitable<bool> app::begin() {
    co_await repairs_.load();
    if (auto anew = log_->trouble(); !anew.empty()) repairs_.note("log.begun_anew", std::move(anew));
    auto found = co_await sessions_->start();
    if (!found) logger_.error("the sessions could not be found again", {{"why", found.error().message}});
    auto settled = co_await tools_->recover();
    if (!settled) logger_.error("the journal could not be settled", {{"why", settled.error().message}});
    if (stopping_) co_return true;

    // Only now: a call must find the sessions that were there before.
    if (!open_listener() || !open_direct()) co_return false;
    if (enrolled_) open_link();
    nlohmann::json ports{{"port", listener_->port()}};
    if (direct_) ports["direct_port"] = direct_->port();
    if (const auto written = common::cli::write_port_file(config_.port_file, ports); !written)
        logger_.error(written.error());
    logger_.info("codez agent serves",
                 {{"local", fmt::format("http://{}:{}/mcp", listener_->address(), listener_->port())},
                  {"policy", rules_.file().string()}});
    co_return true;
}

asio::awaitable<void> app::start() {
    const bool serves = co_await begin();
    starting_ = false;
    started_.notify_all();
    if (serves || stopping_) co_return;
    status_ = 1;
    co_await stop();
}

asio::awaitable<void> app::until_signalled() {
    asio::signal_set signals(*context_, SIGTERM, SIGINT);
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    auto [ec, number] = co_await signals.async_wait(token);
    if (ec || stopping_) co_return;
    logger_.info("codez agent stops; its sessions live on", {{"signal", number}});
    signals.async_wait([this](const boost::system::error_code& again, int) {
        if (!again) end_at_once();
    });
    co_await stop();
}

asio::awaitable<void> app::stop() {
    stopping_ = true;
    while (starting_) co_await started_.wait();
    if (link_) link_->stop();
    if (mcp_) mcp_->end_streams([](const proto::principal&) { return true; });
    if (direct_) direct_->end_streams();
    if (listener_) co_await listener_->stop(listener_grace);
    if (direct_) co_await direct_->stop(listener_grace);
    co_await sessions_->stop();  // wakes the calls that wait for a session
    const bool idle = co_await tools_->idle_by(std::chrono::steady_clock::now() + calls_end_within);
    if (!idle) {
        logger_.warning("some calls did not end in time");
        end_at_once();
    }
    context_->stop();
}

// As if the power failed: everything that matters is on the disk already, and what still runs needs what a destructor
// would take away.
void app::end_at_once() { std::_Exit(status_); }

int app::run() {
    if (const auto opened = uploads_.open(); !opened) {
        logger_.error(opened.error().message);
        return 1;
    }
    if (!load_link()) return 1;
    tools_.emplace(context_->get_executor(), tool_services());
    mcp_.emplace(*tools_, mcp_options());
    if (!make_direct()) return 1;
    asio::co_spawn(*context_, until_signalled(), rethrow);
    asio::co_spawn(*context_, start(), rethrow);
    context_->run();
    git_pool_.stop();
    pool_.stop();
    return status_;
}

}  // namespace

int run_agent(const agent_config& config) {
    const auto refuse = [](const std::string& why) {
        std::cerr << "codez: " << why << '\n';
        return 1;
    };
    make_private_directories(config.files);
    const auto lock = state_lock::take(config.files.state);
    if (!lock) return refuse(fmt::format("Another codez agent runs already on {}.", config.files.state.string()));
    auto rules = policy::load(config.files.policy_file());
    if (!rules) return refuse(rules.error());
    auto context = std::make_unique<common::async::program_context>(1);
    auto log = events::open_log(context->get_executor(), config.files.state.string());
    if (!log) return refuse(log.error().message);
    return app(config, std::move(*rules), std::move(context), std::move(*log)).run();
}

}  // namespace agent
