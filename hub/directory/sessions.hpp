// Which session lives where, as the machines told it: in memory only, since titles and paths do not rest on the hub.
// Hub's executor. Bounded by what one machine may tell (proto::limits::sessions_max) plus what was routed since.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/messages.hpp"

namespace hub::directory {

struct machine_sessions {
    std::vector<proto::session_summary> sessions;
    std::int64_t as_of_ms = 0;  // Unix time of the snapshot
    bool complete = false;
};

class sessions {
public:
    void replace(const std::string& workspace_id, const std::string& machine_id, proto::sessions_snapshot snapshot,
                 std::int64_t now_ms);
    // Learned from an event or an answer, ahead of the next snapshot.
    void note(const std::string& workspace_id, const std::string& machine_id, const std::string& session_id);
    void forget_machine(std::string_view machine_id);

    // Normally one; two machines with one id is an error to be told.
    std::vector<std::string> machines_with(const std::string& workspace_id, const std::string& session_id) const;
    const machine_sessions& of(std::string_view machine_id) const;

private:
    static constexpr std::size_t noted_max = 4096;
    struct machine_entry {
        std::string workspace_id;
        machine_sessions told;
        std::set<std::string, std::less<>> ids;
        std::size_t noted = 0;
    };
    std::map<std::string, machine_entry, std::less<>> machines_;
};

}  // namespace hub::directory
