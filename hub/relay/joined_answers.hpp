// Putting machines' answers together. Machines are not trusted: whatever their JSON holds, nothing here throws. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "hub/relay/fan_out.hpp"
#include "hub/tenancy/records.hpp"
#include "proto/error.hpp"

namespace hub::relay {

// Members of the wrong type count as absent.
std::int64_t number_in(const nlohmann::json& object, const char* name);
bool flag_in(const nlohmann::json& object, const char* name);
std::string text_in(const nlohmann::json& object, const char* name);

// The objects in a list of a machine's answer, each naming its machine. Takes them out of it.
std::vector<nlohmann::json> items_of(machine_answer& answer, std::string_view list);

// The `unreachable` list: machines whose items are missing in an answer, by id, with the reason.
using silent_machines = std::map<std::string, proto::error_code>;
nlohmann::json unreachable_json(const std::vector<tenancy::machine>& all, const silent_machines& silent);

// By updatedAt, then id.
void newest_first(std::vector<nlohmann::json>& items);
// By askedAt: who waited longest.
void oldest_asked_first(std::vector<nlohmann::json>& items);

// Sessions of several machines as one page, newest first, of at most `limit`. `more_behind`
// are the last sessions on the pages of machines that have more: what comes after the first of them is for the next page.
// next_cursor is set if there is one.
struct session_page {
    nlohmann::json sessions = nlohmann::json::array();
    std::string next_cursor;
};
session_page join_sessions(std::vector<nlohmann::json> sessions, const std::vector<nlohmann::json>& more_behind,
                           std::size_t limit);

// What clients keep on several machines, as get_state shows it: `machines` is each one's, the rest all of them together.
// Of a preference that several have, the one of the machine that was changed last.
nlohmann::json join_states(std::vector<nlohmann::json> machines);

// Events of several machines by their times; those of one machine stay in their order.
nlohmann::json merge_events(std::vector<std::vector<nlohmann::json>> by_machine);

}  // namespace hub::relay
