// Which session lives where, as the machines told it: in memory only, since titles and paths do not rest on the hub.
// Hub's executor. Bounded for each machine by what one may tell at once (proto::limits::sessions_max) plus as many ids as
// were learned since; what does not fit any more is forgotten and asked for again.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/limits.hpp"
#include "proto/messages.hpp"

namespace hub::directory {

struct machine_sessions {
    std::vector<proto::session_summary> sessions;
    std::int64_t as_of_ms = 0;  // Unix time of the snapshot
    bool complete = false;
};

class sessions {
public:
    static constexpr std::size_t ids_max = 3 * proto::limits::sessions_max;  // of one machine

    void replace(const std::string& workspace_id, const std::string& machine_id, proto::sessions_snapshot snapshot,
                 std::int64_t now_ms);
    // Learned from an event or an answer, ahead of the next snapshot.
    void note(const std::string& workspace_id, const std::string& machine_id, const std::string& session_id);
    void forget_machine(std::string_view machine_id);

    // Normally one; two machines with one id is an error to be told.
    std::vector<std::string> machines_with(const std::string& workspace_id, std::string_view session_id) const;
    // Valid until the next change.
    const machine_sessions& of(std::string_view machine_id) const;

private:
    struct machine_entry {
        std::string workspace_id;
        machine_sessions told;
        std::set<std::string, std::less<>> ids;
    };
    machine_entry& entry_of(const std::string& workspace_id, const std::string& machine_id);
    static void keep_told_only(machine_entry& entry);

    std::map<std::string, machine_entry, std::less<>> machines_;
    std::map<std::string, std::set<std::string>, std::less<>> by_workspace_;
};

}  // namespace hub::directory
