// poll_events over all machines of the caller.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "hub/relay/fan_out.hpp"
#include "hub/relay/fleet.hpp"
#include "hub/relay/joined_answers.hpp"
#include "hub/relay/relayed_call.hpp"
#include "proto/cursor.hpp"
#include "proto/limits.hpp"

namespace hub::relay {

namespace limits = proto::limits;
using nlohmann::json;
using proto::error_code;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

namespace {

// The time that a machine needs to answer beyond what it was told to wait.
constexpr milliseconds answer_slack(2'000);

bool has_events(const machine_answer& a) {
    if (!a.result) return false;
    const auto events = a.result->find("events");
    return events != a.result->end() && events->is_array() && !events->empty();
}

// One poll: where it reads on, and what it found.
class reading {
public:
    reading(proto::cursor from, json arguments) : next_(std::move(from)), arguments_(std::move(arguments)) {}

    const proto::cursor& next() const { return next_; }

    // Machines that it follows if these are linked: in the cursor, or linked.
    std::size_t followed(const std::vector<std::shared_ptr<links::link>>& linked) const {
        const auto is_new = [this](const auto& one) { return !knows(one->machine().machine().machine_id); };
        return next_.entries.size() + static_cast<std::size_t>(std::ranges::count_if(linked, is_new));
    }

    std::vector<std::string> arguments_for(const std::vector<std::shared_ptr<links::link>>& linked,
                                           milliseconds wait) const {
        std::vector<std::string> each;
        for (const auto& one : linked) {
            json own = arguments_;
            own["timeout_ms"] = wait.count();
            const auto limit = own.value("limit", std::int64_t{limits::events_page_default});
            own["limit"] = std::max<std::int64_t>(1, limit / static_cast<std::int64_t>(linked.size()));
            own.erase("cursor");
            if (const auto* entry = find(one->machine().machine().machine_id))
                own["cursor"] = proto::encode_cursor({{*entry}});
            each.push_back(own.dump());
        }
        return each;
    }

    void take(machine_answer& a) {
        if (!a.result) {
            // Cancelled: another one had something first; what this one has comes with the next poll.
            if (a.result.error().code != error_code::cancelled) silent_[a.machine_id] = a.result.error().code;
            return;
        }
        silent_.erase(a.machine_id);
        if (auto events = items_of(a, "events"); !events.empty()) events_.push_back(std::move(events));
        has_more_ = has_more_ || flag_in(*a.result, "has_more");
        if (const auto position = proto::decode_cursor(text_in(*a.result, "next_cursor")))
            for (const auto& entry : position->entries)
                if (entry.machine_id == a.machine_id) advance(entry);
    }

    bool empty() const { return events_.empty(); }

    // All but next_cursor.
    proto::result<json> answer(const std::vector<tenancy::machine>& all, const links::registry& links) {
        for (const auto& m : all) {
            // A machine that was silent or is away begins where the hub last heard it, so that nothing of it is passed over.
            if (!knows(m.id) && !m.log_id.empty()) advance({m.id, m.log_id, m.ack_seq});
            if (links.find(m.id) == nullptr) silent_[m.id] = error_code::machine_offline;
        }
        if (next_.entries.empty())
            return proto::fail(error_code::machine_offline, "No machine of this workspace is linked to the hub.",
                               "list_machines tells the machines and when they were last seen.");
        json out{{"events", merge_events(std::move(events_))}, {"has_more", has_more_}};
        if (!silent_.empty()) out["unreachable"] = unreachable_json(all, silent_);
        return out;
    }

private:
    const proto::cursor_entry* find(const std::string& machine_id) const {
        const auto found = std::ranges::find(next_.entries, machine_id, &proto::cursor_entry::machine_id);
        return found == next_.entries.end() ? nullptr : &*found;
    }
    bool knows(const std::string& machine_id) const { return find(machine_id) != nullptr; }
    void advance(const proto::cursor_entry& entry) {
        const auto old = std::ranges::find(next_.entries, entry.machine_id, &proto::cursor_entry::machine_id);
        if (old != next_.entries.end()) {
            *old = entry;
        } else if (next_.entries.size() < limits::cursor_machines_max) {
            next_.entries.push_back(entry);
        }
    }

    proto::cursor next_;
    json arguments_;
    std::vector<std::vector<json>> events_;  // by machine
    silent_machines silent_;
    bool has_more_ = false;
};

}  // namespace

fleet::answer fleet::poll(const common::mcp::tool_call& call, const json& arguments, common::mcp::call_reply& reply) {
    const std::string workspace_id = call.who->workspace_id;
    const auto all = co_await machines_.machines(*call.who);
    if (!all) co_return std::unexpected(all.error());
    const auto from = co_await cursors_.read(workspace_id, text_in(arguments, "cursor"));
    if (!from) co_return std::unexpected(from.error());
    // Of a machine that was revoked since nothing comes any more; the others go on.
    proto::cursor at = from->at;
    std::erase_if(at.entries, [&](const auto& entry) {
        return std::ranges::find(*all, entry.machine_id, &tenancy::machine::id) == all->end();
    });
    if (at.entries.empty() && !from->cursor.empty())
        co_return proto::fail(error_code::cursor_invalid,
                              "The cursor is of a machine that this workspace does not have.",
                              "Poll without a cursor to begin anew.");
    reading found(std::move(at), arguments);

    const milliseconds wanted(arguments.value("timeout_ms", limits::poll_wait_ms_default));
    const auto deadline = clock::now() + wanted;
    if (machines_.links_of(*call.who).empty()) co_await links_.wait_for_any(call.who->workspace_ids(), deadline);

    // First without waiting, what all of them have: else one that always has something would be the only one heard.
    for (auto wait = milliseconds(0);;) {
        const auto linked = machines_.links_of(*call.who);
        if (found.followed(linked) > limits::cursor_machines_max)
            co_return proto::fail(
                error_code::machine_ambiguous,
                fmt::format("poll_events without `session_id` or `machine` follows at most {} machines.",
                            limits::cursor_machines_max),
                "Name a session or a machine; list_sessions with their states tells where something happens.");
        const bool waits = wait.count() > 0;
        fan_out asked(linked);
        bool gone = false;
        reply.on_cancel([&] {
            gone = true;
            asked.stop();
        });
        auto answers = co_await asked.collect({header_of(call, wait + answer_slack), found.arguments_for(linked, wait),
                                               wait + answer_slack, waits ? &has_events : nullptr, waits});
        reply.on_cancel({});
        if (gone) co_return proto::fail(error_code::cancelled, "The caller stopped waiting.");
        for (auto& a : answers) {
            if (!a.result && a.result.error().code == error_code::invalid_argument)
                co_return std::unexpected(a.result.error());
            found.take(a);
        }
        wait = std::chrono::duration_cast<milliseconds>(deadline - clock::now());
        if (waits || !found.empty() || wait.count() <= 0 || linked.empty()) break;
    }
    auto out = found.answer(*all, links_);
    if (!out) co_return out;
    auto next = co_await cursors_.write(workspace_id, found.next(), *from);
    if (!next) co_return std::unexpected(std::move(next.error()));
    (*out)["next_cursor"] = std::move(*next);
    co_return out;
}

}  // namespace hub::relay
