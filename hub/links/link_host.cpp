#include "hub/links/link_host.hpp"

#include <utility>

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

// Why a machine that the database knows may not link; nullopt if it may.
std::optional<std::pair<close_code, std::string>> barred(tenancy::machine_state state) {
    switch (state) {
        case tenancy::machine_state::active: return std::nullopt;
        case tenancy::machine_state::pending:
            return {{close_code::auth, "This machine waits for approval by an admin of the workspace."}};
        case tenancy::machine_state::quarantined:
            return {{close_code::key_conflict,
                     "This machine's key was seen twice, so it is in quarantine. Enrol it again with a new join token."}};
        case tenancy::machine_state::revoked: return {{close_code::revoked, "This machine was revoked."}};
    }
    return {{close_code::auth, "This machine may not link."}};
}

close_code close_code_for(tenancy::errc code) {
    switch (code) {
        case tenancy::errc::revoked: return close_code::revoked;
        case tenancy::errc::key_conflict:
        case tenancy::errc::quarantined: return close_code::key_conflict;
        case tenancy::errc::unavailable:
        case tenancy::errc::in_doubt: return close_code::draining;  // come back in a moment
        default: return close_code::auth;
    }
}

constexpr const char* hub_busy = "The hub cannot check machines right now; try again.";

}  // namespace

link_host::link_host(asio::any_io_executor executor, hub_identity identity, tenancy::store& store,
                     common::async::blocking_pool& pool, registry& links, directory::sessions& sessions,
                     common::log::logger& log)
    : executor_(std::move(executor)),
      identity_(std::move(identity)),
      store_(store),
      pool_(pool),
      links_(links),
      sessions_(sessions),
      log_(log) {}

asio::awaitable<void> link_host::handle(common::net::http_exchange& exchange) {
    const auto& request = exchange.request();
    // A browser page must never become a machine (auth.md §3.2: Origin must be absent).
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
        if (const auto found = pending_by_address_.find(address); --found->second == 0) pending_by_address_.erase(found);
    };

    auto channel = co_await exchange.accept_websocket(std::string(proto::link_subprotocol),
                                                      limits::link_message_to_hub_bytes_max);
    if (!channel) {
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
    const auto one = std::make_shared<link>(std::move(channel), std::move(config), *this);
    one->on_proven = no_longer_pending;
    open_.emplace(one.get(), one);
    co_await one->run();
    one->on_proven = nullptr;
    no_longer_pending();
}

asio::awaitable<void> link_host::keep_time() {
    asio::steady_timer timer(executor_);
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    for (;;) {
        timer.expires_after(std::chrono::seconds(1));
        auto [ec] = co_await timer.async_wait(token);
        if (ec) co_return;
        const auto now_open = open_;  // a tick may end a link
        for (const auto& [key, one] : now_open) one->tick();
    }
}

asio::awaitable<void> link_host::drain(std::chrono::steady_clock::time_point deadline) {
    draining_ = true;
    const auto now_open = open_;
    for (const auto& [key, one] : now_open) one->drain();
    asio::steady_timer timer(executor_);
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    while (!open_.empty() && std::chrono::steady_clock::now() < deadline) {
        timer.expires_after(std::chrono::milliseconds(20));
        auto [ec] = co_await timer.async_wait(token);
        if (ec) co_return;
    }
    const auto left = open_;
    for (const auto& [key, one] : left) one->close(close_code::draining, "The hub restarts; link again now.");
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
        machine.accept_hello(record, steady_ms(), tenancy::system_time_ms());
    }
    from->act();
}

asio::awaitable<void> link_host::admit(std::shared_ptr<link> from, proto::hub_action::verified verified) {
    tenancy::link_request request;
    request.machine_id = verified.hello.machine_id;
    request.presented_counter = static_cast<std::int64_t>(verified.hello.link_counter);
    request.log_id = verified.hello.log_id;
    request.fields = {verified.hello.version, verified.hello.os, verified.hello.arch, verified.hello.hostname};
    auto granted = co_await pool_.run([this, request] { return store_.begin_link(request); });
    auto& machine = from->machine();
    if (!granted) {
        machine.refuse(close_code::draining, hub_busy);
    } else if (!*granted) {
        machine.refuse(close_code_for(granted->error().code), granted->error().message);
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
    const std::string id = conflict.hello.machine_id;
    log_.error("a machine's key is in use twice; the machine is in quarantine", {{"machine", id}});
    if (const auto other = links_.find(id))
        other->close(close_code::key_conflict, "This machine's key was seen twice, so it is in quarantine.");
    asio::co_spawn(executor_, quarantine(id), asio::detached);
}

asio::awaitable<void> link_host::quarantine(std::string machine_id) {
    const auto done = co_await pool_.run([this, machine_id] { return store_.quarantine_machine(machine_id); });
    if (!done || !*done) log_.error("the quarantine could not be stored", {{"machine", machine_id}});
}

void link_host::established(const std::shared_ptr<link>& from) {
    if (from->on_proven) from->on_proven();
    const auto older = links_.add(from);
    if (older) older->close(close_code::superseded, "A newer link of this machine took over.");
    log_.info("machine linked", {{"machine", from->machine().machine().machine_id}, {"epoch", from->machine().epoch()}});
}

void link_host::event(link& from, const proto::hub_action::event_received& event) {
    // Of what machines push, the directory needs the ids only; the rest is read from the machine when somebody asks.
    const auto body = nlohmann::json::parse(event.json, nullptr, false);
    if (body.is_object()) {
        const auto id = body.find("session_id");
        if (id != body.end() && id->is_string() && !id->get_ref<const std::string&>().empty() &&
            id->get_ref<const std::string&>().size() <= limits::id_bytes_max)
            sessions_.note(from.workspace_id, from.machine().machine().machine_id, id->get<std::string>());
    }
    from.acknowledge_events(event.seq);
    auto& last = acknowledged_[&from];
    last.seq = event.seq;
    if (!std::exchange(last.storing, true))
        asio::co_spawn(executor_, store_acknowledgement(from.shared_from_this()), asio::detached);
}

asio::awaitable<void> link_host::store_acknowledgement(std::shared_ptr<link> of) {
    for (std::int64_t stored = -1;;) {
        const auto found = acknowledged_.find(of.get());
        if (found == acknowledged_.end()) co_return;
        const std::int64_t seq = found->second.seq;
        if (seq == stored) {
            found->second.storing = false;
            co_return;
        }
        const std::string id = of->machine().machine().machine_id;
        const std::int64_t epoch = of->machine().epoch();
        // A failure costs a few events pushed again after the next link: the machine keeps them.
        std::ignore = co_await pool_.run([this, id, epoch, seq] { return store_.note_ack(id, epoch, seq); });
        stored = seq;
    }
}

void link_host::sessions(link& from, const proto::sessions_snapshot& snapshot) {
    sessions_.replace(from.workspace_id, from.machine().machine().machine_id, snapshot, tenancy::system_time_ms());
}

void link_host::closed(link& from, std::uint16_t code, const std::string& reason) {
    const bool was_up = from.machine().epoch() > 0;
    links_.remove(from);
    acknowledged_.erase(&from);
    const auto self = from.shared_from_this();
    open_.erase(&from);
    const std::string id = from.machine().machine().machine_id;
    log_.info(was_up ? "machine unlinked" : "link refused",
              {{"machine", id}, {"code", static_cast<int>(code)}, {"reason", reason}});
    if (!was_up) return;
    asio::co_spawn(
        executor_,
        [](link_host* host, std::string machine, std::int64_t epoch) -> asio::awaitable<void> {
            std::ignore = co_await host->pool_.run([host, machine, epoch] { return host->store_.note_seen(machine, epoch); });
        }(this, id, from.machine().epoch()),
        asio::detached);
}

}  // namespace hub::links
