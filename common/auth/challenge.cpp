#include "common/auth/challenge.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "common/auth/resource.hpp"

namespace common::auth {

std::string token_challenge(const std::string& origin, std::string_view path, bool sent) {
    // The metadata is that of the resource as the client spells it. No error where no token came (RFC 6750 §3.1).
    return fmt::format("Bearer resource_metadata=\"{}{}\", scope=\"{}\"{}", origin,
                       metadata_path_of(mcp_path_of(path) ? path : mcp_paths.front()), umbrella_scope,
                       sent ? ", error=\"invalid_token\"" : "");
}

std::optional<std::string> scope_challenge(const std::string& origin, const proto::principal& who,
                                           const proto::error& error) {
    if (error.code != proto::error_code::permission_denied) return std::nullopt;
    const auto details = nlohmann::json::parse(error.details, nullptr, false);
    if (!details.is_object() || !details.contains("scope") || !details["scope"].is_string()) return std::nullopt;
    const auto& missing = details["scope"].get_ref<const std::string&>();
    proto::principal grown;
    grown.scopes = who.attainable;
    if (!grown.has_scope(missing)) return std::nullopt;
    auto scopes = who.scopes;
    scopes.push_back(missing);
    return fmt::format(
        "Bearer error=\"insufficient_scope\", scope=\"{}\", resource_metadata=\"{}{}\", error_description=\"{}\"",
        fmt::join(scopes, " "), origin, metadata_path_of(mcp_paths.front()), "The person has not allowed this.");
}

}  // namespace common::auth
