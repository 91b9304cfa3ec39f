#include "hub/relay/joined_answers.hpp"

#include <algorithm>
#include <utility>

#include "proto/limits.hpp"

namespace hub::relay {

using nlohmann::json;

namespace {

bool comes_first(const json& a, const json& b) {
    const auto left = number_in(a, "updatedAt");
    const auto right = number_in(b, "updatedAt");
    return left != right ? left > right : text_in(a, "id") > text_in(b, "id");
}

}  // namespace

std::int64_t number_in(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

bool flag_in(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string text_in(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<json> items_of(machine_answer& answer, std::string_view list) {
    std::vector<json> items;
    if (!answer.result) return items;
    const auto found = answer.result->find(std::string(list));
    if (found == answer.result->end() || !found->is_array()) return items;
    for (auto& item : *found) {
        if (!item.is_object()) continue;
        item["machine"] = answer.machine_id;
        item["machineName"] = answer.machine_name;
        items.push_back(std::move(item));
    }
    return items;
}

json unreachable_json(const std::vector<tenancy::machine>& all, const silent_machines& silent) {
    auto list = json::array();
    for (const auto& m : all) {
        const auto found = silent.find(m.id);
        if (found == silent.end()) continue;
        json one{{"machine", m.id}, {"name", m.name}, {"reason", proto::to_string(found->second)}};
        if (m.last_seen_at) one["lastSeenAt"] = *m.last_seen_at;
        list.push_back(std::move(one));
    }
    return list;
}

void newest_first(std::vector<json>& items) { std::ranges::sort(items, comes_first); }

void oldest_asked_first(std::vector<json>& items) {
    std::ranges::sort(items, {},
                      [](const json& one) { return std::pair(number_in(one, "askedAt"), text_in(one, "requestId")); });
}

session_page join_sessions(std::vector<json> sessions, const std::vector<json>& more_behind, std::size_t limit) {
    newest_first(sessions);
    bool more = sessions.size() > limit;
    if (more) sessions.resize(limit);
    // What a machine has behind its page may belong before what others have on theirs.
    for (const auto& last : more_behind) {
        more = true;
        std::erase_if(sessions, [&](const json& s) { return comes_first(last, s); });
    }
    session_page page;
    if (more && !sessions.empty())
        page.next_cursor =
            std::to_string(number_in(sessions.back(), "updatedAt")) + ":" + text_in(sessions.back(), "id");
    page.sessions = std::move(sessions);
    return page;
}

json join_states(std::vector<json> machines) {
    // The one that was changed last comes last, and wins.
    std::ranges::sort(machines, [](const json& a, const json& b) {
        return std::pair(number_in(a, "updatedAt"), text_in(a, "machine")) <
               std::pair(number_in(b, "updatedAt"), text_in(b, "machine"));
    });
    json out{{"markers", json::object()}, {"preferences", json::object()}, {"recentCwds", json::array()}};
    for (const auto& m : machines)
        for (const char* name : {"markers", "preferences"})
            if (const auto found = m.find(name); found != m.end() && found->is_object()) out[name].update(*found);
    auto& recent = out["recentCwds"];
    for (auto m = machines.rbegin(); m != machines.rend(); ++m) {
        const auto found = m->find("recentCwds");
        if (found == m->end() || !found->is_array()) continue;
        for (const auto& cwd : *found)
            if (cwd.is_string() && recent.size() < proto::limits::recent_cwds_max &&
                std::ranges::find(recent, cwd) == recent.end())
                recent.push_back(cwd);
    }
    std::ranges::sort(
        machines, [](const json& a, const json& b) { return text_in(a, "machineName") < text_in(b, "machineName"); });
    out["machines"] = std::move(machines);
    return out;
}

json merge_events(std::vector<std::vector<json>> by_machine) {
    auto merged = json::array();
    std::vector<std::size_t> next(by_machine.size(), 0);
    for (;;) {
        std::size_t oldest = by_machine.size();
        for (std::size_t i = 0; i < by_machine.size(); ++i) {
            if (next[i] == by_machine[i].size()) continue;
            if (oldest == by_machine.size() ||
                number_in(by_machine[i][next[i]], "at") < number_in(by_machine[oldest][next[oldest]], "at"))
                oldest = i;
        }
        if (oldest == by_machine.size()) return merged;
        merged.push_back(std::move(by_machine[oldest][next[oldest]++]));
    }
}

}  // namespace hub::relay
