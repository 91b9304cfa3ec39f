#include "hub/relay/fleet.hpp"

#include <algorithm>
#include <utility>

#include "hub/relay/fan_out.hpp"
#include "hub/relay/joined_answers.hpp"
#include "hub/relay/relayed_call.hpp"
#include "proto/limits.hpp"

namespace hub::relay {

namespace limits = proto::limits;
using nlohmann::json;
using proto::error_code;
using std::chrono::milliseconds;

namespace {

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

}  // namespace

fleet::fleet(machine_finder& machines, links::registry& links, directory::sessions& sessions, fleet_cursors& cursors,
             std::int64_t started_at_ms)
    : machines_(machines), links_(links), sessions_(sessions), cursors_(cursors), started_at_ms_(started_at_ms) {}

json fleet::machine_json(const tenancy::machine& m) const {
    const auto& told = sessions_.of(m.id).sessions;
    const bool online = links_.find(m.id) != nullptr;
    const auto live = std::ranges::count(told, "live", &proto::session_summary::status);
    json out{{"machineId", m.id},
             {"name", m.name},
             {"online", online},
             {"workspaceId", m.workspace_id},
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
    auto all = co_await machines_.machines(who);
    if (!all) co_return std::unexpected(std::move(all.error()));
    json out{{"machines", json::array()}, {"as_of", tenancy::system_time_ms()}};
    for (const auto& m : *all) out["machines"].push_back(machine_json(m));
    co_return out;
}

fleet::answer fleet::get_machine(const proto::principal& who, std::string id_or_name) {
    proto::result<tenancy::machine> found;
    if (id_or_name.empty()) {
        auto all = co_await machines_.machines(who);
        if (!all) co_return std::unexpected(std::move(all.error()));
        if (all->size() != 1)
            co_return proto::fail(
                all->empty() ? error_code::not_found : error_code::machine_ambiguous,
                all->empty() ? "This workspace has no machine yet." : "This workspace has several machines.",
                all->empty() ? "Enrol one: run `codez setup --hub URL --join` on it."
                             : "Name one in `machine`; list_machines tells them.");
        found = std::move(all->front());
    } else {
        found = co_await machines_.machine(who, std::move(id_or_name));
    }
    if (!found) co_return std::unexpected(std::move(found.error()));
    json machine = machine_json(*found);
    if (const auto link = links_.find(found->id)) machine["tools"] = link->machine().machine().tools;
    const auto& told = sessions_.of(found->id);
    machine["sessions"] = json::array();
    for (const auto& s : told.sessions) machine["sessions"].push_back(session_json(s, found->id, found->name));
    co_return json{{"machine", std::move(machine)},
                   {"as_of", told.as_of_ms > 0 ? told.as_of_ms : tenancy::system_time_ms()}};
}

fleet::answer fleet::ask_all(const common::mcp::tool_call& call, const json& arguments,
                             common::mcp::call_reply& reply) {
    auto all = co_await machines_.machines(*call.who);
    if (!all) co_return std::unexpected(std::move(all.error()));
    const milliseconds patience(limits::fan_out_ms_max);
    fan_out asked(machines_.links_of(*call.who));
    reply.on_cancel([&asked] { asked.stop(); });
    auto answers = co_await asked.collect({header_of(call, patience), {arguments.dump()}, patience});
    reply.on_cancel({});
    // What every machine refuses is wrong with the call, not with a machine.
    const bool refused = !answers.empty() && std::ranges::all_of(answers, [](const auto& a) {
        return !a.result && (a.result.error().code == error_code::invalid_argument ||
                             a.result.error().code == error_code::cursor_invalid);
    });
    if (refused) co_return std::unexpected(answers.front().result.error());

    const std::string_view list = call.tool == "list_projects"        ? "projects"
                                  : call.tool == "list_sessions"      ? "sessions"
                                  : call.tool == "list_permissions"   ? "permissions"
                                  : call.tool == "get_health_details" ? "subsystems"
                                                                      : "machines";
    std::vector<json> items;
    std::vector<json> mended;  // of get_health_details
    std::vector<json> more_behind;
    silent_machines silent;
    for (const auto& m : *all) silent[m.id] = error_code::machine_offline;
    for (auto& a : answers) {
        if (!a.result) {
            silent[a.machine_id] = a.result.error().code;
            continue;
        }
        silent.erase(a.machine_id);
        if (call.tool == "get_health_details") {
            auto own_log = items_of(a, "log");
            mended.insert(mended.end(), std::make_move_iterator(own_log.begin()),
                          std::make_move_iterator(own_log.end()));
        }
        auto own = items_of(a, list);
        if (!own.empty() && !text_in(*a.result, "next_cursor").empty()) more_behind.push_back(own.back());
        items.insert(items.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
    }

    json out = json::object();
    if (list == "sessions") {
        const auto limit = arguments.value("limit", std::int64_t{limits::list_page_default});
        auto page = join_sessions(std::move(items), more_behind, static_cast<std::size_t>(limit));
        out[list] = std::move(page.sessions);
        if (!page.next_cursor.empty()) out["next_cursor"] = std::move(page.next_cursor);
    } else if (list == "projects") {
        newest_first(items);
        out[list] = std::move(items);
    } else if (call.tool == "get_health_details") {
        out["subsystems"] = std::move(items);
        std::ranges::sort(
            mended, [](const json& a, const json& b) { return number_in(a, "timestamp") > number_in(b, "timestamp"); });
        out["log"] = std::move(mended);
    } else if (list == "permissions") {
        oldest_asked_first(items);
        out[list] = std::move(items);
        const bool truncated =
            std::ranges::any_of(answers, [](const auto& a) { return a.result && flag_in(*a.result, "truncated"); });
        if (truncated) out["truncated"] = true;
    } else if (call.tool == "get_state") {
        out = join_states(std::move(items));
    } else {
        out["ok"] = silent.empty() && std::ranges::all_of(items, [](const json& m) { return flag_in(m, "ok"); });
        out["name"] = "codez-hub";
        out["version"] = CODEZ_VERSION;
        out["uptime_ms"] = std::max<std::int64_t>(0, tenancy::system_time_ms() - started_at_ms_);
        out[list] = std::move(items);
    }
    if (!silent.empty()) out["unreachable"] = unreachable_json(*all, silent);
    co_return out;
}

}  // namespace hub::relay
