// The policy's rules for answers to claude's permission requests.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

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

std::optional<policy::approval> policy::approval_of(std::string_view text) {
    if (text == "allow") return approval::allow;
    if (text == "ask") return approval::ask;
    if (text == "never") return approval::never;
    return std::nullopt;
}

proto::result<void> policy::check_remote_permission_response(bool is_person) const {
    if (remote_permission_response_ == approval::allow || (remote_permission_response_ == approval::ask && is_person))
        return {};
    if (remote_permission_response_ == approval::ask)
        return std::unexpected(denied("remote_permission_response",
                                      "From afar only a signed-in person answers permission requests of this machine; "
                                      "an API key is none.",
                                      "Answer it on the machine itself, or sign in instead of using a key."));
    return std::unexpected(denied("remote_permission_response",
                                  "Permission requests of this machine are not answered from afar.",
                                  "Answer it on the machine itself."));
}

proto::result<void> policy::check_self_approval(bool is_person) const {
    if (self_approval_ == approval::allow || (self_approval_ == approval::ask && is_person)) return {};
    if (self_approval_ == approval::ask)
        return std::unexpected(
            denied("self_approval",
                   "The client that prompted this session does not answer its permission requests by "
                   "itself.",
                   "Have a signed-in person or another client answer."));
    return std::unexpected(denied("self_approval", "Who prompted this session does not answer its permission requests.",
                                  "Have another client answer, or somebody on the machine."));
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
