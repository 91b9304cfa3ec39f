#include "agent/journal/audit_trail.hpp"

#include <chrono>
#include <functional>
#include <utility>

#include <nlohmann/json.hpp>

namespace agent::journal {

using common::db::connection;
using proto::error_code;

namespace {

constexpr std::int64_t kept_ms = 90LL * 24 * 3600 * 1000;
constexpr std::int64_t entries_kept_max = 200'000;
constexpr std::int64_t expire_every = 256;  // entries

}  // namespace

std::string refusing_rule(const proto::error& e) {
    if (e.code != error_code::policy_denied && e.code != error_code::permission_denied &&
        e.code != error_code::recursion_limit_exceeded)
        return {};
    const auto details = nlohmann::json::parse(e.details, nullptr, false);
    if (details.is_object())
        if (const auto rule = details.find("rule"); rule != details.end() && rule->is_string()) return *rule;
    return std::string(proto::to_string(e.code));
}

std::int64_t note_call(connection& c, audit_entry entry) {
    using namespace std::chrono;
    entry.at_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    const std::int64_t id = insert_audit(c, entry);
    if (id % expire_every == 0) expire_audit(c, entry.at_ms - kept_ms, entries_kept_max);
    return id;
}

boost::asio::awaitable<proto::result<void>> audit_trail::refused(audit_entry entry) {
    entry.refused = true;
    std::function<void(connection&)> job = [entry = std::move(entry)](connection& c) { note_call(c, entry); };
    return log_.run(std::move(job));
}

boost::asio::awaitable<proto::result<void>> audit_trail::settle(std::int64_t id, std::string session_id,
                                                                std::string rule) {
    std::function<void(connection&)> job = [id, session_id = std::move(session_id), rule = std::move(rule)](
                                               connection& c) { settle_audit(c, id, session_id, rule); };
    return log_.run(std::move(job));
}

}  // namespace agent::journal
