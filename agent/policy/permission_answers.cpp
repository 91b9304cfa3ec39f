// The policy's rules for answers to claude's permission requests.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/policy/permission_updates.hpp"
#include "agent/policy/policy.hpp"

namespace agent {

namespace {

constexpr std::array<std::string_view, 4> destinations{"session", "localSettings", "projectSettings", "userSettings"};

std::string text_in(const nlohmann::json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

bool is_update_destination(std::string_view text) {
    return std::ranges::find(destinations, text) != destinations.end();
}

proto::result<void> policy::check_remote_permission_response() const {
    if (remote_permission_response_) return {};
    return std::unexpected(denied("remote_permission_response",
                                  "Permission requests of this machine are not answered from afar.",
                                  "Answer it on the machine itself."));
}

proto::result<void> policy::check_permission_updates(const nlohmann::json& updates, call_origin from) const {
    for (const auto& update : updates) {
        const auto destination = update.is_object() ? text_in(update, "destination") : std::string();
        if (!is_update_destination(destination))
            return proto::fail(proto::error_code::invalid_argument,
                               "`updated_permissions` has an entry without a known `destination`.",
                               "Pass entries of the request's `suggestions`.");
        const bool open = from == call_origin::machine || std::ranges::find(remote_permission_updates_, destination) !=
                                                              remote_permission_updates_.end();
        if (!open)
            return std::unexpected(
                denied("remote_permission_updates",
                       fmt::format("Claude's own rules in {} are not changed from afar on this machine.", destination),
                       "Allow this one use, or have the rule allow it."));
        if (text_in(update, "type") == "setMode") {
            if (auto mode = check_permission_mode(text_in(update, "mode")); !mode)
                return std::unexpected(std::move(mode.error()));
        }
        const auto directories = update.find("directories");
        if (text_in(update, "type") != "addDirectories" || directories == update.end()) continue;
        for (const auto& directory : *directories) {
            auto checked = check_directory(directory.is_string() ? directory.get<std::string>() : std::string());
            if (!checked) return std::unexpected(std::move(checked.error()));
        }
    }
    return {};
}

}  // namespace agent
