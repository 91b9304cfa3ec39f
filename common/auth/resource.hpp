// This server as a resource (RFC 8707, RFC 9728): its MCP paths, its metadata, and the spellings of it that clients send. Pure
// functions; every URL comes from the configured public URL, never from a request.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace common::auth {

// The scope of every tool (proto::principal::has_scope): what clients are told to ask for.
inline constexpr std::string_view umbrella_scope = "mcp:tools";

// One audience: a token for one is good on all.
inline constexpr std::array<std::string_view, 4> mcp_paths{"/mcp", "/mcp/claude-code", "/mcp/jobs", "/mcp/full"};

inline constexpr std::string_view resource_metadata_prefix = "/.well-known/oauth-protected-resource";

// "/mcp" of "/mcp" and "/mcp/"; nullopt for what is no MCP path.
std::optional<std::string_view> mcp_path_of(std::string_view path);

// What the metadata at this path is about: the path of the resource as the client spells it ("/mcp", "/mcp/"; the root
// stands for "/mcp"). nullopt if there is no metadata at this path.
std::optional<std::string_view> resource_of_metadata_path(std::string_view path);

// The path of the metadata for a resource at this path, as the client spelled it.
std::string metadata_path_of(std::string_view path);

// `resource_path` as the client spells it: "/mcp" or "/mcp/". `issuer`: of the authorization server.
nlohmann::json resource_metadata(const std::string& origin, std::string_view resource_path, const std::string& issuer);

// What tokens for this server are for: ORIGIN/mcp.
std::string own_audience(std::string_view origin);
// Every spelling of it: what the metadata calls this resource, and what clients make of that.
std::vector<std::string> own_audiences(std::string_view origin);
// The audience that a client asks for: that of this server for each spelling of it, and for none; else the resource itself, which
// may be that of a registered server or of nobody.
std::string audience_of(std::string_view origin, std::string_view resource);

}  // namespace common::auth
