#include "hub/directory/sessions.hpp"

#include <utility>

namespace hub::directory {

void sessions::replace(const std::string& workspace_id, const std::string& machine_id,
                       proto::sessions_snapshot snapshot, std::int64_t now_ms) {
    auto& entry = machines_[machine_id];
    entry.workspace_id = workspace_id;
    entry.told = {std::move(snapshot.sessions), now_ms, snapshot.complete};
    // An incomplete snapshot leaves out idle sessions: what was learned of them stays true.
    if (entry.told.complete || entry.noted > noted_max) {
        entry.ids.clear();
        entry.noted = 0;
    }
    for (const auto& s : entry.told.sessions) entry.ids.insert(s.id);
}

void sessions::note(const std::string& workspace_id, const std::string& machine_id, const std::string& session_id) {
    auto& entry = machines_[machine_id];
    entry.workspace_id = workspace_id;
    if (entry.noted < noted_max && entry.ids.insert(session_id).second) ++entry.noted;
}

void sessions::forget_machine(std::string_view machine_id) {
    if (const auto found = machines_.find(machine_id); found != machines_.end()) machines_.erase(found);
}

std::vector<std::string> sessions::machines_with(const std::string& workspace_id, const std::string& session_id) const {
    std::vector<std::string> found;
    for (const auto& [id, entry] : machines_)
        if (entry.workspace_id == workspace_id && entry.ids.contains(session_id)) found.push_back(id);
    return found;
}

const machine_sessions& sessions::of(std::string_view machine_id) const {
    static const machine_sessions none;
    const auto found = machines_.find(machine_id);
    return found == machines_.end() ? none : found->second.told;
}

}  // namespace hub::directory
