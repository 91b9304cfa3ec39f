#include "hub/links/link_host.hpp"

#include <utility>

#include <simdjson.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/crypto/random.hpp"
#include "proto/limits.hpp"

namespace hub::links {

namespace asio = boost::asio;
namespace limits = proto::limits;
using proto::close_code;

namespace {

common::net::http_response refusal(int status, const char* code, const char* message) {
    common::net::http_response response{status, {}, {}};
    response.fields.add("Content-Type", "application/json");
    response.body = nlohmann::json{{"error", code}, {"message", message}}.dump();
    return response;
}

constexpr const char* hub_busy = "The hub cannot check machines right now; try again.";
constexpr const char* key_seen_twice =
    "This machine's key was seen twice, so it is in quarantine. Enrol it again with a new join token.";
constexpr const char* hub_restarts = "The hub restarts; link again now.";

constexpr std::chrono::seconds tick_interval(1);
// Near a heartbeat's wait in ticks, so that a timer is looked at once.
constexpr std::size_t wheel_slots = 64;
// An acknowledgement that was not stored costs a few events that are pushed again.
constexpr std::chrono::seconds store_interval(1);

// Why a machine that the database knows may not link; nullopt if it may.
std::optional<std::pair<close_code, std::string>> barred(tenancy::machine_state state) {
    switch (state) {
        case tenancy::machine_state::active:
            return std::nullopt;
        case tenancy::machine_state::pending:
            return {{close_code::auth, "This machine waits for approval by an admin of the workspace."}};
        case tenancy::machine_state::quarantined:
            return {{close_code::key_conflict, key_seen_twice}};
        case tenancy::machine_state::revoked:
            return {{close_code::revoked, "This machine was revoked."}};
    }
    return {{close_code::auth, "This machine may not link."}};
}

close_code close_code_for(tenancy::errc code) {
    switch (code) {
        case tenancy::errc::revoked:
            return close_code::revoked;
        case tenancy::errc::key_conflict:
        case tenancy::errc::quarantined:
            return close_code::key_conflict;
        case tenancy::errc::unavailable:
        case tenancy::errc::in_doubt:
            return close_code::draining;  // come back in a moment
        default:
            return close_code::auth;
    }
}

// Of what machines push, the directory needs the session's id only; the rest is read from the machine when somebody asks.
std::optional<std::string> session_id_of(std::string_view event) {
    simdjson::ondemand::parser parser;
    const simdjson::padded_string text(event);
    simdjson::ondemand::document document;
    std::string_view id;
    if (parser.iterate(text).get(document) != simdjson::SUCCESS) return std::nullopt;
    if (document["session_id"].get_string().get(id) != simdjson::SUCCESS) return std::nullopt;
    if (id.empty() || id.size() > limits::id_bytes_max) return std::nullopt;
    return std::string(id);
}

}  // namespace

link_host::link_host(asio::any_io_executor executor, hub_identity identity, tenancy::store& store,
                     common::async::blocking_pool& pool, registry& links, directory::sessions& sessions,
                     common::log::logger& log, steady_clock_function now)
    : executor_(std::move(executor)),
      identity_(std::move(identity)),
      store_(store),
      pool_(pool),
      links_(links),
      sessions_(sessions),
      log_(log),
      now_(std::move(now)),
      wheel_(tick_interval, wheel_slots, now_()),
      something_ended_(executor_) {}

asio::awaitable<void> link_host::handle(common::net::http_exchange& exchange) {
    const auto& request = exchange.request();
    // A browser page must never become a machine (so there must be no Origin).
    if (request.fields.find("Origin")) {
        co_await exchange.respond(refusal(403, "forbidden_origin", "Links are for machines, not for web pages."));
        co_return;
    }
    const std::string address = request.peer_address;
    auto& from_address = pending_by_address_[address];
    if (draining_ || pending_ >= limits::handshake_pending_max ||
        from_address >= limits::handshake_pending_per_address_max) {
        if (from_address == 0) pending_by_address_.erase(address);
        co_await exchange.respond(refusal(503, "busy", "Too many links are being opened; try again in a moment."));
        co_return;
    }

    ++pending_;
    ++from_address;
    bool counted = true;
    const auto no_longer_pending = [this, &counted, address] {
        if (!std::exchange(counted, false)) return;
        --pending_;
        if (const auto found = pending_by_address_.find(address); --found->second == 0)
            pending_by_address_.erase(found);
    };

    auto channel =
        co_await exchange.accept_websocket(std::string(proto::link_subprotocol), limits::link_message_to_hub_bytes_max);
    if (!channel) {
        no_longer_pending();
        co_return;
    }
    if (draining_) {  // since the request came
        channel->close(static_cast<std::uint16_t>(close_code::draining), hub_restarts);
        no_longer_pending();
        co_return;
    }
    proto::hub_link_config config;
    config.hub_id = identity_.hub_id;
    config.hub_kid = identity_.kid;
    config.hub_origin = identity_.origin;
    config.tls_exporter = channel->tls_exporter(proto::link_exporter_label);
    config.make_nonce = [] { return common::crypto::random_bytes(limits::handshake_nonce_bytes); };
    config.sign = [key = identity_.key](std::string_view text) { return key.sign(text); };
    config.verify = &common::crypto::ed25519_key::verify;
    const auto one = std::make_shared<link>(std::move(channel), std::move(config), *this, now_);
    one->on_proven = no_longer_pending;
    open(one);
    co_await one->run();
    one->on_proven = nullptr;
    no_longer_pending();
}

asio::awaitable<void> link_host::keep_time() {
    asio::steady_timer timer(executor_);
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    for (;;) {
        timer.expires_after(tick_interval);
        auto [ec] = co_await timer.async_wait(token);
        if (ec) co_return;
        tick();
    }
}

void link_host::tick() { wheel_.tick(now_()); }

void link_host::open(const std::shared_ptr<link>& one) {
    const link* const key = one.get();
    const auto [place, is_new] =
        open_.try_emplace(key, one, [this, key] { beat(key); }, [this, key] { store_acknowledgement(key); });
    wheel_.arm(place->second.heartbeat, now_() + std::chrono::milliseconds(limits::handshake_ms_max));
}

void link_host::beat(const link* key) {
    const auto one = open_.at(key).one;  // its end, if this is it, takes it and this timer out of open_
    one->tick();
    if (const auto found = open_.find(key); found != open_.end())
        wheel_.arm(found->second.heartbeat,
                   clock::time_point(std::chrono::milliseconds(one->machine().next_tick_ms())));
}

asio::awaitable<void> link_host::settled(clock::time_point deadline) {
    while (!open_.empty() || writes_ > 0) {
        const bool notified = co_await something_ended_.wait_until(deadline);
        if (!notified) co_return;
    }
}

asio::awaitable<void> link_host::drain(clock::time_point deadline) {
    draining_ = true;
    links_.stop_waiting();
    const auto each_open = [this](const auto& what) {
        std::vector<std::shared_ptr<link>> now_open;  // what is done may end links
        for (const auto& [key, entry] : open_) now_open.push_back(entry.one);
        for (const auto& one : now_open) what(*one);
    };
    each_open([](link& one) {
        if (one.machine().is_established())
            one.drain();
        else
            one.close(close_code::draining, hub_restarts);
    });
    co_await settled(deadline);
    each_open([](link& one) { one.close(close_code::draining, hub_restarts); });
    co_await settled(deadline + std::chrono::milliseconds(500));
}

asio::awaitable<void> link_host::authenticate(std::shared_ptr<link> from, proto::hello hello) {
    const std::string id = hello.machine_id;
    auto found = co_await pool_.run([this, id] { return store_.get_machine_for_link(id); });
    auto& machine = from->machine();
    if (!found || (!*found && found->error().code == tenancy::errc::unavailable)) {
        machine.refuse(close_code::draining, hub_busy);
    } else if (!*found) {
        machine.refuse(close_code::auth, "This hub does not know the machine. Enrol it: codez setup --hub URL --join.");
    } else if (auto why = barred((*found)->state)) {
        machine.refuse(why->first, why->second);
    } else {
        proto::machine_record record;
        record.public_key = (*found)->public_key;
        record.link_counter = static_cast<std::uint64_t>((*found)->link_counter);
        const auto live = links_.find(id);
        record.given_to_live_link = live != nullptr && live->machine().welcome_acknowledged();
        machine.accept_hello(record, to_ms(now_()), tenancy::system_time_ms());
    }
    from->act();
}

asio::awaitable<void> link_host::admit(std::shared_ptr<link> from, proto::hub_action::verified verified) {
    const std::string id = verified.hello.machine_id;
    tenancy::link_request request;
    request.machine_id = id;
    request.presented_counter = static_cast<std::int64_t>(verified.hello.link_counter);
    request.log_id = verified.hello.log_id;
    request.fields = {verified.hello.version, verified.hello.os, verified.hello.arch, verified.hello.hostname};
    auto granted = co_await pool_.run([this, request] { return store_.begin_link(request); });
    auto& machine = from->machine();
    const auto live = links_.find(id);
    if (!granted) {
        machine.refuse(close_code::draining, hub_busy);
    } else if (!*granted) {
        machine.refuse(close_code_for(granted->error().code), granted->error().message);
        if (granted->error().code == tenancy::errc::key_conflict) take_out(id, "an old counter");
    } else if ((*granted)->counter_repeated && live && live->machine().welcome_acknowledged()) {
        // The other handshake of this counter was finished while this one went on.
        machine.refuse(close_code::key_conflict, key_seen_twice);
        take_out(id, "two handshakes with one counter");
    } else {
        const auto& grant = **granted;
        from->workspace_id = grant.workspace_id;
        from->machine_name = grant.name;
        proto::admission admission;
        admission.epoch = grant.epoch;
        admission.link_counter = static_cast<std::uint64_t>(grant.link_counter);
        admission.ack_seq = grant.ack_seq;
        admission.machine_name = grant.name;
        machine.admit(admission);
    }
    from->act();
}

void link_host::conflict(link&, const proto::hub_action::key_conflict& conflict) {
    take_out(conflict.hello.machine_id, "a counter that another link has");
}

void link_host::take_out(const std::string& machine_id, std::string_view why) {
    log_.error("a machine's key is in use twice; the machine is in quarantine",
               {{"machine", machine_id}, {"seen", why}});
    if (const auto live = links_.find(machine_id)) live->close(close_code::key_conflict, key_seen_twice);
    asio::co_spawn(executor_, write_quarantine(machine_id), asio::detached);
}

asio::awaitable<void> link_host::write_quarantine(std::string machine_id) {
    const auto done = co_await pool_.run([this, machine_id] { return store_.quarantine_machine(machine_id); });
    if (!done || !*done) log_.error("the quarantine could not be stored", {{"machine", machine_id}});
    // A copy may have linked again before it was.
    if (const auto live = links_.find(machine_id)) live->close(close_code::key_conflict, key_seen_twice);
}

void link_host::established(const std::shared_ptr<link>& from) {
    if (from->on_proven) from->on_proven();
    const auto other = links_.add(from);
    log_.info("machine linked",
              {{"machine", from->machine().machine().machine_id}, {"epoch", from->machine().epoch()}});
    if (other) other->close(close_code::superseded, "A newer link of this machine took over.");
}

void link_host::event(link& from, const proto::hub_action::event_received& event) {
    if (auto id = session_id_of(event.json))
        sessions_.note(from.workspace_id, from.machine().machine().machine_id, *id);
    from.acknowledge_events(event.seq);
    auto& entry = open_.at(&from);
    entry.acknowledged = event.seq;
    if (!entry.store_soon.armed()) wheel_.arm(entry.store_soon, now_() + store_interval);
}

void link_host::store_acknowledgement(const link* key) {
    auto& entry = open_.at(key);
    if (entry.storing) {
        wheel_.arm(entry.store_soon, now_() + store_interval);  // a slow database
        return;
    }
    entry.storing = true;
    asio::co_spawn(executor_, write_acknowledgement(entry.one, entry.acknowledged), asio::detached);
}

asio::awaitable<void> link_host::write_acknowledgement(std::shared_ptr<link> of, std::int64_t seq) {
    const std::string id = of->machine().machine().machine_id;
    const std::int64_t epoch = of->machine().epoch();
    const auto done = co_await pool_.run([this, id, epoch, seq] { return store_.note_ack(id, epoch, seq); });
    const auto found = open_.find(of.get());
    if (found == open_.end()) co_return;
    found->second.storing = false;
    if (done && *done) {
        found->second.stored = seq;
    } else if (done && done->error().code == tenancy::errc::fenced) {
        of->close(close_code::superseded, "A newer link of this machine is up at another hub.");
    } else if (!found->second.store_soon.armed()) {
        wheel_.arm(found->second.store_soon, now_() + store_interval);
    }
}

void link_host::sessions(link& from, const proto::sessions_snapshot& snapshot) {
    sessions_.replace(from.workspace_id, from.machine().machine().machine_id, snapshot, tenancy::system_time_ms());
}

void link_host::closed(link& from, std::uint16_t code, const std::string& reason) {
    const bool was_up = from.machine().epoch() > 0;
    const std::string id = from.machine().machine().machine_id;
    const auto self = from.shared_from_this();
    links_.remove(from);
    std::int64_t unstored = 0;
    if (const auto found = open_.find(&from); found != open_.end()) {
        if (found->second.acknowledged > found->second.stored) unstored = found->second.acknowledged;
        open_.erase(found);
    }
    if (code == static_cast<std::uint16_t>(close_code::revoked)) sessions_.forget_machine(id);
    log_.info(was_up ? "machine unlinked" : "link refused",
              {{"machine", id}, {"code", static_cast<int>(code)}, {"reason", reason}});
    if (was_up) {
        ++writes_;
        asio::co_spawn(executor_, write_end(id, from.machine().epoch(), unstored), asio::detached);
    }
    something_ended_.notify_all();
}

asio::awaitable<void> link_host::write_end(std::string machine_id, std::int64_t epoch, std::int64_t unstored_seq) {
    // Fails where a newer link exists, which has told more, or without the database: the machine then tells it again.
    std::ignore = co_await pool_.run([this, machine_id, epoch, unstored_seq] {
        if (unstored_seq > 0) std::ignore = store_.note_ack(machine_id, epoch, unstored_seq);
        return store_.note_seen(machine_id, epoch);
    });
    --writes_;
    something_ended_.notify_all();
}

}  // namespace hub::links
