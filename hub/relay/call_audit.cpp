#include "hub/relay/call_audit.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "common/async/event_signal.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "proto/limits.hpp"

namespace hub::relay {

namespace asio = boost::asio;
namespace limits = proto::limits;
using proto::error_code;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t group_max = 256;
constexpr std::chrono::seconds retry_after(1);
constexpr std::chrono::hours prune_every(1);

bool is_refusal(error_code code) {
    return code == error_code::permission_denied || code == error_code::policy_denied ||
           code == error_code::recursion_limit_exceeded || code == error_code::machine_revoked;
}

// A name as the ids and rules that come from outside must be: what else a caller or a machine sends is no name.
std::string name_or_nothing(std::string_view text) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    };
    return text.size() <= limits::id_bytes_max && std::ranges::all_of(text, fits) ? std::string(text) : std::string();
}

std::string rule_of(const proto::error& e) {
    if (e.code != error_code::policy_denied) return {};
    const auto details = nlohmann::json::parse(e.details, nullptr, false);
    const auto rule = details.is_object() ? details.find("rule") : details.end();
    return details.is_object() && rule != details.end() && rule->is_string() ? name_or_nothing(rule->get<std::string>())
                                                                             : std::string();
}

}  // namespace

struct call_audit::queue {
    queue(asio::any_io_executor e, tenancy::store& s, common::async::blocking_pool& p, common::log::logger& l)
        : executor(e), store(s), pool(p), log(l), written(e) {}

    asio::any_io_executor executor;
    tenancy::store& store;
    common::async::blocking_pool& pool;
    common::log::logger& log;
    common::async::event_signal written;
    std::deque<tenancy::audit_entry> entries;
    std::size_t lost = 0;
    bool writing = false;

    void push(tenancy::audit_entry entry) {
        if (entries.size() >= limits::audit_queue_max) {
            entries.pop_front();
            ++lost;
        }
        entries.push_back(std::move(entry));
    }
    std::vector<tenancy::audit_entry> take() {
        std::vector<tenancy::audit_entry> out;
        if (lost > 0) {
            tenancy::audit_entry gap;
            gap.at = tenancy::system_time_ms();
            gap.actor = "hub";
            gap.action = "audit.lost";
            gap.subject = std::to_string(std::exchange(lost, 0));
            gap.result = "resource_exhausted";
            out.push_back(std::move(gap));
        }
        const auto count = static_cast<std::ptrdiff_t>(std::min(entries.size(), group_max));
        std::move(entries.begin(), entries.begin() + count, std::back_inserter(out));
        entries.erase(entries.begin(), entries.begin() + count);
        return out;
    }
};

call_audit::call_audit(asio::any_io_executor executor, tenancy::store& store, common::async::blocking_pool& pool,
                       common::log::logger& log)
    : queue_(std::make_shared<queue>(executor, store, pool, log)) {}

call_audit::~call_audit() = default;

void call_audit::record(const common::mcp::tool_call& call, const proto::tool& tool, const audited_call& where,
                        const proto::result<void>& outcome) {
    if (!tool.write && (outcome || !is_refusal(outcome.error().code))) return;
    tenancy::audit_entry entry;
    entry.action = "call." + tool.name;
    entry.workspace_id = where.workspace_id;
    entry.machine_id = where.machine_id;
    entry.session_id = name_or_nothing(where.session_id);
    entry.arguments_hash = common::crypto::hex_encode(common::crypto::sha256(call.arguments));
    push(*call.who, std::move(entry), outcome);
}

void call_audit::record_upload(const proto::principal& who, const audited_call& where,
                               const proto::result<void>& outcome) {
    tenancy::audit_entry entry;
    entry.action = "upload";
    entry.workspace_id = where.workspace_id;
    entry.machine_id = where.machine_id;
    push(who, std::move(entry), outcome);
}

void call_audit::push(const proto::principal& who, tenancy::audit_entry entry, const proto::result<void>& outcome) {
    entry.at = tenancy::system_time_ms();
    if (entry.workspace_id.empty()) entry.workspace_id = who.workspace_id;
    entry.actor = "user:" + who.user_id + "/" + who.client_id;
    entry.result = outcome ? "ok" : std::string(proto::to_string(outcome.error().code));
    if (!outcome) entry.rule = rule_of(outcome.error());
    queue_->push(std::move(entry));
    if (std::exchange(queue_->writing, true)) return;
    asio::co_spawn(queue_->executor, write(queue_), asio::detached);
}

asio::awaitable<void> call_audit::write(std::shared_ptr<queue> q) {
    asio::steady_timer pause(q->executor);
    bool told = false;
    while (!q->entries.empty()) {
        const auto group = std::make_shared<const std::vector<tenancy::audit_entry>>(q->take());
        for (;;) {
            auto stored = co_await q->pool.run([&store = q->store, group] { return store.record_audit(*group); });
            // In doubt: better once too few than twice.
            const bool again = !stored || (!*stored && (*stored).error().code == tenancy::errc::unavailable);
            if (!again && !*stored) q->log.error("calls were not audited", {{"why", (*stored).error().message}});
            if (!again) break;
            if (!std::exchange(told, true)) q->log.warning("the audit waits for the database");
            pause.expires_after(retry_after);
            auto [ec] = co_await pause.async_wait(token);
            if (ec) co_return;
        }
        q->written.notify_all();
    }
    q->writing = false;
    q->written.notify_all();
}

asio::awaitable<void> call_audit::keep_pruned(std::chrono::milliseconds kept) {
    const auto q = queue_;
    asio::steady_timer timer(q->executor);
    for (;;) {
        bool more = true;
        while (more) {
            const std::int64_t before = tenancy::system_time_ms() - kept.count();
            auto pruned = co_await q->pool.run([&store = q->store, before] { return store.prune_audit(before); });
            more = pruned && *pruned && **pruned;
            if (pruned && !*pruned)
                q->log.warning("the audit could not be pruned", {{"why", (*pruned).error().message}});
        }
        timer.expires_after(prune_every);
        auto [ec] = co_await timer.async_wait(token);
        if (ec) co_return;
    }
}

asio::awaitable<bool> call_audit::flush(std::chrono::steady_clock::time_point deadline) {
    const auto q = queue_;
    while (q->writing && std::chrono::steady_clock::now() < deadline) co_await q->written.wait_until(deadline);
    co_return !q->writing;
}

}  // namespace hub::relay
