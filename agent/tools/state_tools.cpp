// get_state, update_state: what clients keep on this machine beside its sessions, one small JSON object in log.db.
#include <chrono>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "agent/events/event_rows.hpp"
#include "agent/tools/handlers.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

using common::db::connection;
using nlohmann::json;
using proto::error_code;

namespace {

constexpr std::string_view meta_name = "client_state";

std::int64_t unix_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

json no_state() {
    return {
        {"markers", json::object()}, {"preferences", json::object()}, {"recentCwds", json::array()}, {"updatedAt", 0}};
}

json read_state(connection& db) {
    const auto text = events::find_meta(db, meta_name);
    auto state = text ? json::parse(*text, nullptr, false) : json();
    return state.is_object() ? state : no_state();
}

proto::error wrong(std::string message) {
    return {error_code::invalid_argument, std::move(message), "See `patch` in the description of update_state.", {}};
}

// The markers of one session as they are kept, or what is wrong with them.
proto::result<json> markers_of(const std::string& session_id, const json& given, std::int64_t now) {
    if (!given.is_array())
        return std::unexpected(wrong(fmt::format("`patch.markers.{}` must be a list or null.", session_id)));
    json out = json::array();
    for (json marker : given) {
        const std::string field = fmt::format("patch.markers.{}[{}]", session_id, out.size());
        if (!marker.is_object()) return std::unexpected(wrong(fmt::format("`{}` must be an object.", field)));
        for (const char* name : {"id", "messageId"})
            if (!marker.contains(name) || !marker[name].is_string() ||
                marker[name].get_ref<const std::string&>().empty())
                return std::unexpected(wrong(fmt::format("`{}.{}` must be a text.", field, name)));
        for (const char* name : {"partId", "label", "note"})
            if (marker.contains(name) && !marker[name].is_string())
                return std::unexpected(wrong(fmt::format("`{}.{}` must be a text.", field, name)));
        if (marker.contains("resolved") && !marker["resolved"].is_boolean())
            return std::unexpected(wrong(fmt::format("`{}.resolved` must be true or false.", field)));
        if (!marker.contains("createdAt")) marker["createdAt"] = now;
        if (!marker["createdAt"].is_number_integer())
            return std::unexpected(wrong(fmt::format("`{}.createdAt` must be a time in Unix milliseconds.", field)));
        marker["sessionId"] = session_id;
        out.push_back(std::move(marker));
    }
    return out;
}

// The patch as it is applied: every member checked, markers complete.
proto::result<json> checked(json patch, std::int64_t now) {
    if (const auto markers = patch.find("markers"); markers != patch.end())
        for (auto& [session_id, list] : markers->items()) {
            if (session_id.empty() || session_id.size() > proto::limits::id_bytes_max)
                return std::unexpected(wrong("The names in `patch.markers` must be session ids."));
            if (list.is_null()) continue;
            auto kept = markers_of(session_id, list, now);
            if (!kept) return kept;
            list = std::move(*kept);
        }
    if (const auto cwds = patch.find("recentCwds");
        cwds != patch.end() && cwds->size() > proto::limits::recent_cwds_max)
        cwds->erase(cwds->begin() + proto::limits::recent_cwds_max, cwds->end());
    return patch;
}

void merge(json& state, const json& patch, std::int64_t now) {
    for (const char* name : {"markers", "preferences"}) {
        const auto changes = patch.find(name);
        if (changes == patch.end()) continue;
        for (const auto& [key, value] : changes->items()) {
            if (value.is_null())
                state[name].erase(key);
            else
                state[name][key] = value;
        }
    }
    if (const auto cwds = patch.find("recentCwds"); cwds != patch.end()) state["recentCwds"] = *cwds;
    state["updatedAt"] = now;
}

std::string shown(const services& s, json state) {
    json machine = state;
    machine["machine"] = s.machine->id;
    machine["machineName"] = s.machine->name;
    state.erase("updatedAt");
    state["machines"] = json::array({std::move(machine)});
    return dump(state);
}

}  // namespace

answer get_state(const services& s, const call_context&) {
    const auto state = std::make_shared<json>();  // the query may outlive this coroutine
    std::function<void(connection&)> query = [state](connection& db) { *state = read_state(db); };
    auto read = co_await s.log->run_reading(std::move(query));
    if (!read) co_return std::unexpected(std::move(read.error()));
    co_return shown(s, std::move(*state));
}

answer update_state(const services& s, const call_context& c) {
    const std::int64_t now = unix_ms();
    auto patch = checked(c.arguments["patch"], now);
    if (!patch) co_return std::unexpected(std::move(patch.error()));
    struct change {
        json patch;
        json state;
        bool fits = false;
    };
    const auto done = std::make_shared<change>();
    done->patch = std::move(*patch);
    std::function<void(connection&)> job = [done, now](connection& db) {
        done->state = read_state(db);
        merge(done->state, done->patch, now);
        const std::string text = dump(done->state);
        done->fits = text.size() <= proto::limits::state_bytes_max;
        if (done->fits) events::set_meta(db, meta_name, text);
    };
    auto written = co_await s.log->run(std::move(job));
    if (!written) co_return std::unexpected(std::move(written.error()));
    if (!done->fits)
        co_return proto::fail(
            error_code::resource_exhausted,
            fmt::format("The state of this machine would be above {} bytes.", proto::limits::state_bytes_max),
            "Nothing was changed. Remove markers or preferences that are not needed: set them to null.");
    co_return shown(s, std::move(done->state));
}

}  // namespace agent::tools
