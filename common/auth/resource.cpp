#include "common/auth/resource.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace common::auth {

namespace {

std::string_view without_slash(std::string_view path) {
    if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return path;
}

}  // namespace

std::optional<std::string_view> mcp_path_of(std::string_view path) {
    const auto found = std::ranges::find(mcp_paths, without_slash(path));
    if (found == mcp_paths.end()) return std::nullopt;
    return *found;
}

std::optional<std::string_view> resource_of_metadata_path(std::string_view path) {
    if (!path.starts_with(resource_metadata_prefix)) return std::nullopt;
    path.remove_prefix(resource_metadata_prefix.size());
    if (path.empty() || path == "/") return mcp_paths.front();
    if (!mcp_path_of(path)) return std::nullopt;
    return path;
}

std::string metadata_path_of(std::string_view path) {
    return std::string(resource_metadata_prefix) + std::string(path);
}

nlohmann::json resource_metadata(const std::string& origin, std::string_view resource_path, const std::string& issuer) {
    return {
        {"resource", origin + std::string(resource_path)},
        {"resource_name", "CodeZ"},
        {"authorization_servers", {issuer}},
        // Clients without a challenge ask for all of these. Never offline_access: that is about the client, not the resource.
        {"scopes_supported", {umbrella_scope}},
        {"bearer_methods_supported", {"header"}},
    };
}

std::string own_audience(std::string_view origin) { return std::string(origin) + std::string(mcp_paths.front()); }

std::vector<std::string> own_audiences(std::string_view origin) {
    std::vector<std::string> all{std::string(origin), std::string(origin) + "/"};
    for (const auto path : mcp_paths) {
        all.push_back(std::string(origin) + std::string(path));
        all.push_back(all.back() + "/");
    }
    return all;
}

std::string audience_of(std::string_view origin, std::string_view resource) {
    if (resource.empty()) return own_audience(origin);
    if (!resource.starts_with(origin)) return std::string(resource);
    const auto path = resource.substr(origin.size());
    const bool is_own = path.empty() || path == "/" || mcp_path_of(path);
    return is_own ? own_audience(origin) : std::string(resource);
}

}  // namespace common::auth
