#include "hub/directory/sessions.hpp"

#include <utility>

namespace hub::directory {

sessions::machine_entry& sessions::entry_of(const std::string& workspace_id, const std::string& machine_id) {
    auto& entry = machines_[machine_id];
    if (entry.workspace_id.empty()) {
        entry.workspace_id = workspace_id;
        by_workspace_[workspace_id].insert(machine_id);
    }
    return entry;
}

void sessions::keep_told_only(machine_entry& entry) {
    entry.ids.clear();
    for (const auto& s : entry.told.sessions) entry.ids.insert(s.id);
}

void sessions::replace(const std::string& workspace_id, const std::string& machine_id,
                       proto::sessions_snapshot snapshot, std::int64_t now_ms) {
    auto& entry = entry_of(workspace_id, machine_id);
    entry.told = {std::move(snapshot.sessions), now_ms, snapshot.complete};
    // An incomplete snapshot leaves out idle sessions: what was learned of them stays true.
    if (entry.told.complete || entry.ids.size() + entry.told.sessions.size() > ids_max) {
        keep_told_only(entry);
    } else {
        for (const auto& s : entry.told.sessions) entry.ids.insert(s.id);
    }
}

void sessions::note(const std::string& workspace_id, const std::string& machine_id, const std::string& session_id) {
    auto& entry = entry_of(workspace_id, machine_id);
    if (entry.ids.size() >= ids_max) keep_told_only(entry);
    entry.ids.insert(session_id);
}

void sessions::forget_machine(std::string_view machine_id) {
    const auto found = machines_.find(machine_id);
    if (found == machines_.end()) return;
    if (const auto place = by_workspace_.find(found->second.workspace_id); place != by_workspace_.end()) {
        place->second.erase(found->first);
        if (place->second.empty()) by_workspace_.erase(place);
    }
    machines_.erase(found);
}

std::vector<std::string> sessions::machines_with(const std::string& workspace_id, std::string_view session_id) const {
    std::vector<std::string> found;
    const auto place = by_workspace_.find(workspace_id);
    if (place == by_workspace_.end()) return found;
    for (const auto& id : place->second)
        if (const auto entry = machines_.find(id); entry != machines_.end() && entry->second.ids.contains(session_id))
            found.push_back(id);
    return found;
}

const machine_sessions& sessions::of(std::string_view machine_id) const {
    static const machine_sessions none;
    const auto found = machines_.find(machine_id);
    return found == machines_.end() ? none : found->second.told;
}

}  // namespace hub::directory
