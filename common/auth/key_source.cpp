#include "common/auth/key_source.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "common/auth/server_metadata.hpp"
#include "common/net/connector.hpp"
#include "common/net/fetch_guard.hpp"
#include "common/net/freshness.hpp"

namespace common::auth {
namespace asio = boost::asio;

namespace {

using std::chrono::seconds;

constexpr net::freshness_bounds lifetime{seconds(300), seconds(24 * 3600)};
constexpr seconds kept_without_server(24 * 3600);
constexpr seconds unknown_kid_pause(60);
constexpr seconds failure_pause(5);
constexpr seconds fetch_time(3);

}  // namespace

key_source::key_source(asio::any_io_executor executor, std::string issuer, server_access access)
    : executor_(executor), issuer_(std::move(issuer)), access_(std::move(access)), fetches_(std::move(executor)) {}

asio::awaitable<key_source::found> key_source::find(std::string kid) {
    const auto self = shared_from_this();
    const auto now = access_.time.steady();
    if (keys_ && now < fresh_until_ && keys_->has(kid)) {
        if (now >= early_at_) refresh_early();
        co_return give(kid);
    }
    if (keys_ && now < fresh_until_) {
        // Whoever comes while that fetch is under way waits for it as well.
        if (now >= unknown_at_ || fetches_.is_under_way("")) {
            unknown_at_ = now + unknown_kid_pause;
            co_await refresh();
        }
    } else if (now >= retry_at_ || fetches_.is_under_way("")) {
        co_await refresh();
    }
    co_return give(kid);
}

key_source::found key_source::give(std::string_view kid) const {
    if (!keys_ || access_.time.steady() >= keep_until_) return {nullptr, failure_};
    // A key that we do not know, and could not ask for, may be a new one.
    if (!keys_->has(kid) && !failure_.empty()) return {nullptr, failure_};
    return {keys_, {}};
}

asio::awaitable<void> key_source::refresh() {
    std::function<asio::awaitable<bool>()> task = [this] { return fetch(); };
    std::ignore = co_await fetches_.run("", std::move(task));
}

void key_source::refresh_early() {
    early_at_ = access_.time.steady() + unknown_kid_pause;
    struct background {
        static asio::awaitable<void> run(std::shared_ptr<key_source> self) { co_await self->refresh(); }
    };
    asio::co_spawn(executor_, background::run(shared_from_this()), asio::detached);
}

asio::awaitable<bool> key_source::fetch() {
    const auto deadline = std::chrono::steady_clock::now() + fetch_time;
    const auto metadata = co_await find_server_metadata(issuer_, access_, deadline);
    std::expected<key_set, std::string> parsed = std::unexpected(std::string());
    seconds fresh_for = lifetime.min;
    if (!metadata) {
        parsed = std::unexpected(metadata.error());
    } else if (metadata->jwks_uri.empty()) {
        parsed = std::unexpected("The authorization server's metadata names no https jwks_uri.");
    } else {
        auto request = net::guarded_request(metadata->jwks_uri, access_.guard);
        request.timeout = net::time_left(deadline);
        request.body_bytes_max = key_set::body_bytes_max;
        const auto got = co_await access_.fetch(std::move(request));
        if (!got) {
            parsed = std::unexpected(got.error().message);
        } else if (got->status != 200) {
            parsed = std::unexpected("The authorization server does not answer 200 for its keys.");
        } else {
            parsed = key_set::parse(got->body);
            fresh_for = net::freshness(got->fields, access_.time.wall(), lifetime);
        }
    }
    const auto now = access_.time.steady();
    if (!parsed) {
        failure_ = parsed.error();
        retry_at_ = now + failure_pause;
        co_return false;
    }
    failure_.clear();
    keys_ = std::make_shared<const key_set>(std::move(*parsed));
    fresh_until_ = now + fresh_for;
    early_at_ = now + fresh_for * 8 / 10;
    keep_until_ = fresh_until_ + kept_without_server;
    co_return true;
}

}  // namespace common::auth
