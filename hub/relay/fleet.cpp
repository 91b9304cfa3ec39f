#include "hub/relay/fleet.hpp"

#include <algorithm>
#include <utility>

#include "hub/relay/fan_out.hpp"
#include "hub/relay/relayed_call.hpp"
#include "proto/cursor.hpp"
#include "proto/limits.hpp"

namespace hub::relay {

namespace limits = proto::limits;
using nlohmann::json;
using proto::error_code;
using std::chrono::milliseconds;

namespace {

// The time that a machine needs to answer beyond what it was told to wait.
constexpr milliseconds answer_slack(2'000);

json session_json(const proto::session_summary& s, const std::string& machine_id, const std::string& machine_name) {
    json out{{"id", s.id},
             {"projectSlug", s.project_slug},
             {"cwd", s.cwd},
             {"createdAt", s.created_at_ms},
             {"updatedAt", s.updated_at_ms},
             {"status", s.status},
             {"state", s.state},
             {"permissionMode", s.permission_mode},
             {"pendingPermissions", s.pending_permissions},
             {"machine", machine_id},
             {"machineName", machine_name}};
    if (!s.title.empty()) out["title"] = s.title;
    if (!s.model.empty()) out["model"] = s.model;
    return out;
}

json unreachable(const tenancy::machine& m, std::string_view reason) {
    json out{{"machine", m.id}, {"name", m.name}, {"reason", reason}};
    if (m.last_seen_at) out["lastSeenAt"] = *m.last_seen_at;
    return out;
}

// Takes the list out of a machine's answer, each item naming its machine.
void append_items(json& into, json& from, const machine_answer& by) {
    if (!from.is_array()) return;
    for (auto& item : from) {
        if (!item.is_object()) continue;
        item["machine"] = by.machine_id;
        item["machineName"] = by.machine_name;
        into.push_back(std::move(item));
    }
}

std::int64_t updated_at(const json& item) {
    const auto found = item.find("updatedAt");
    return found != item.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string id_of(const json& item) {
    const auto found = item.find("id");
    return found != item.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void newest_first(json& items) {
    std::ranges::sort(items.get_ref<json::array_t&>(), [](const json& a, const json& b) {
        return updated_at(a) != updated_at(b) ? updated_at(a) > updated_at(b) : id_of(a) > id_of(b);
    });
}

// One page of what the machines' pages hold; the position is the same on every machine, so it serves all of them.
void cut_page(json& out, const json& arguments, bool more_elsewhere) {
    const auto limit = static_cast<std::size_t>(arguments.value("limit", std::int64_t{limits::list_page_default}));
    auto& items = out["sessions"];
    if (items.size() <= limit && !more_elsewhere) return;
    while (items.size() > limit) items.erase(items.size() - 1);
    if (!items.empty())
        out["next_cursor"] = std::to_string(updated_at(items.back())) + ":" + id_of(items.back());
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

fleet::fleet(machine_finder& machines, links::registry& links, directory::sessions& sessions, std::int64_t started_at_ms)
    : machines_(machines), links_(links), sessions_(sessions), started_at_ms_(started_at_ms) {}

json fleet::machine_json(const tenancy::machine& m) const {
    const auto& told = sessions_.of(m.id).sessions;
    const bool online = links_.find(m.id) != nullptr;
    const auto live = std::ranges::count(told, "live", &proto::session_summary::status);
    json out{{"machineId", m.id},
             {"name", m.name},
             {"online", online},
             {"linkState", tenancy::to_string(m.state)},
             {"hostname", m.hostname},
             {"os", m.os},
             {"arch", m.arch},
             {"codezVersion", m.version},
             {"createdAt", m.created_at},
             {"activeSessionCount", live}};
    if (m.last_seen_at) out["lastSeenAt"] = *m.last_seen_at;
    return out;
}

fleet::answer fleet::list_machines(const proto::principal& who) {
    auto all = co_await machines_.machines(who.workspace_id);
    if (!all) co_return std::unexpected(std::move(all.error()));
    json out{{"machines", json::array()}, {"as_of", tenancy::system_time_ms()}};
    for (const auto& m : *all) out["machines"].push_back(machine_json(m));
    co_return out;
}

fleet::answer fleet::get_machine(const proto::principal& who, std::string id_or_name) {
    proto::result<tenancy::machine> found;
    if (id_or_name.empty()) {
        auto all = co_await machines_.machines(who.workspace_id);
        if (!all) co_return std::unexpected(std::move(all.error()));
        if (all->size() != 1)
            co_return proto::fail(all->empty() ? error_code::not_found : error_code::machine_ambiguous,
                                  all->empty() ? "This workspace has no machine yet." : "This workspace has several machines.",
                                  all->empty() ? "Enrol one: run `codez setup --hub URL --join` on it."
                                               : "Name one in `machine`; list_machines tells them.");
        found = std::move(all->front());
    } else {
        found = co_await machines_.machine(who.workspace_id, std::move(id_or_name));
    }
    if (!found) co_return std::unexpected(std::move(found.error()));
    json machine = machine_json(*found);
    if (const auto link = links_.find(found->id)) machine["tools"] = link->machine().machine().tools;
    const auto& told = sessions_.of(found->id);
    machine["sessions"] = json::array();
    for (const auto& s : told.sessions) machine["sessions"].push_back(session_json(s, found->id, found->name));
    co_return json{{"machine", std::move(machine)}, {"as_of", told.as_of_ms > 0 ? told.as_of_ms : tenancy::system_time_ms()}};
}

fleet::answer fleet::ask_all(const common::mcp::tool_call& call) {
    auto all = co_await machines_.machines(call.who->workspace_id);
    if (!all) co_return std::unexpected(std::move(all.error()));
    const auto linked = links_.of_workspace(call.who->workspace_id);
    auto answers = co_await fan_out(linked).collect(header_of(call, milliseconds(limits::fan_out_ms_max)),
                                                    std::string(call.arguments), milliseconds(limits::fan_out_ms_max));
    // What every machine refuses is wrong with the call, not with a machine.
    const bool refused = !answers.empty() && std::ranges::all_of(answers, [](const auto& a) {
        return !a.result && a.result.error().code == error_code::invalid_argument;
    });
    if (refused) co_return std::unexpected(answers.front().result.error());

    const std::string_view list = call.tool == "list_projects" ? "projects"
                                  : call.tool == "list_sessions" ? "sessions"
                                                                 : "machines";
    json out{{list, json::array()}};
    json silent = json::array();
    bool more = false;
    for (auto& a : answers) {
        const auto machine = std::ranges::find(*all, a.machine_id, &tenancy::machine::id);
        if (!a.result) {
            if (machine != all->end()) silent.push_back(unreachable(*machine, proto::to_string(a.result.error().code)));
            continue;
        }
        append_items(out[list], (*a.result)[std::string(list)], a);
        more = more || a.result->contains("next_cursor");
    }
    for (const auto& m : *all)
        if (std::ranges::none_of(answers, [&](const auto& a) { return a.machine_id == m.id; }))
            silent.push_back(unreachable(m, proto::to_string(error_code::machine_offline)));

    if (list == "machines") {
        const bool well = std::ranges::all_of(out[list], [](const json& m) { return m.value("ok", false); });
        out["ok"] = well && silent.empty();
        out["name"] = "codez-hub";
        out["version"] = CODEZ_VERSION;
        out["uptime_ms"] = std::max<std::int64_t>(0, tenancy::system_time_ms() - started_at_ms_);
    } else {
        newest_first(out[list]);
    }
    if (list == "sessions") cut_page(out, json::parse(call.arguments, nullptr, false), more);
    if (!silent.empty()) out["unreachable"] = std::move(silent);
    co_return out;
}

fleet::answer fleet::poll(const common::mcp::tool_call& call, const routing_arguments& where,
                          common::mcp::call_reply& reply) {
    proto::cursor from;
    if (!where.cursor.empty()) {
        auto decoded = proto::decode_cursor(where.cursor);
        if (!decoded) co_return std::unexpected(std::move(decoded.error()));
        from = std::move(*decoded);
    }
    auto all = co_await machines_.machines(call.who->workspace_id);
    if (!all) co_return std::unexpected(std::move(all.error()));
    for (const auto& entry : from.entries)
        if (std::ranges::find(*all, entry.machine_id, &tenancy::machine::id) == all->end())
            co_return proto::fail(error_code::cursor_invalid, "The cursor is of a machine that this workspace does not have.",
                                  "Poll without a cursor to begin anew.");
    const auto linked = links_.of_workspace(call.who->workspace_id);
    if (linked.size() > limits::cursor_entries_max)
        co_return proto::fail(error_code::machine_ambiguous,
                              "poll_events without `session_id` or `machine` follows at most 4 machines.",
                              "Name a session or a machine; list_sessions with their states tells where something happens.");

    const auto arguments = json::parse(call.arguments, nullptr, false);
    std::vector<std::string> each;
    for (const auto& link : linked) {
        json own = arguments;
        own.erase("cursor");
        const auto entry = std::ranges::find(from.entries, link->machine().machine().machine_id, &proto::cursor_entry::machine_id);
        if (entry != from.entries.end()) own["cursor"] = proto::encode_cursor({{*entry}});
        each.push_back(dump(own));
    }
    const milliseconds wait(std::clamp<std::int64_t>(where.timeout_ms.value_or(limits::poll_wait_ms_default), 0,
                                                     limits::poll_wait_ms_max));
    const auto has_events = [](const machine_answer& a) {
        return a.result && a.result->contains("events") && !(*a.result)["events"].empty();
    };
    bool gone = false;
    reply.on_cancel([&gone] { gone = true; });
    auto answers = co_await fan_out(linked).collect(header_of(call, wait + answer_slack), each, wait + answer_slack, has_events);
    reply.on_cancel({});
    if (gone) co_return proto::fail(error_code::cancelled, "The caller stopped waiting.");

    json out{{"events", json::array()}, {"has_more", false}};
    json silent = json::array();
    proto::cursor next = from;
    const auto advance = [&](const proto::cursor_entry& entry) {
        const auto old = std::ranges::find(next.entries, entry.machine_id, &proto::cursor_entry::machine_id);
        if (old != next.entries.end()) {
            *old = entry;
        } else if (next.entries.size() < limits::cursor_entries_max) {
            next.entries.push_back(entry);
        }
    };
    for (auto& a : answers) {
        if (!a.result) {
            if (a.result.error().code == error_code::invalid_argument) co_return std::unexpected(a.result.error());
            const auto machine = std::ranges::find(*all, a.machine_id, &tenancy::machine::id);
            if (a.result.error().code != error_code::timeout && machine != all->end())
                silent.push_back(unreachable(*machine, proto::to_string(a.result.error().code)));
            continue;
        }
        append_items(out["events"], (*a.result)["events"], a);
        out["has_more"] = out["has_more"].get<bool>() || a.result->value("has_more", false);
        auto position = proto::decode_cursor(a.result->value("next_cursor", ""));
        if (position)
            for (const auto& entry : position->entries)
                if (entry.machine_id == a.machine_id) advance(entry);
    }
    // A machine that was silent or is away begins where the hub last heard it, so that nothing of it is passed over.
    for (const auto& m : *all) {
        const bool known = std::ranges::find(next.entries, m.id, &proto::cursor_entry::machine_id) != next.entries.end();
        if (!known && !m.log_id.empty()) advance({m.id, m.log_id, m.ack_seq});
        if (links_.find(m.id) == nullptr) silent.push_back(unreachable(m, proto::to_string(error_code::machine_offline)));
    }
    if (next.entries.empty())
        co_return proto::fail(error_code::machine_offline, "No machine of this workspace is linked to the hub.",
                              "list_machines tells the machines and when they were last seen.");
    out["next_cursor"] = proto::encode_cursor(std::move(next));
    if (!silent.empty()) out["unreachable"] = std::move(silent);
    co_return out;
}

}  // namespace hub::relay
