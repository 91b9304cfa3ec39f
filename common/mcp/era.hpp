// Which era a posted body belongs to, and which protocol versions there are. The body decides; the MCP-Protocol-Version
// header is only checked against it (2026-07-28, basic/versioning). Everything the eras differ in is behind this file:
// the parser before it and the tool calls after it know none.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "common/mcp/envelope.hpp"
#include "common/mcp/rpc_text.hpp"

namespace common::mcp {

// legacy: initialize and sessions, up to 2025-11-25. modern: stateless, every request names its version in _meta.
enum class era : std::uint8_t { legacy, modern };

constexpr std::string_view modern_version = "2026-07-28";
constexpr std::string_view latest_legacy_version = "2025-11-25";
constexpr std::string_view batch_version = "2025-03-26";     // the only one with batches
constexpr std::string_view assumed_version = batch_version;  // of a request that names none
inline constexpr std::string_view protocol_version_meta_key = "io.modelcontextprotocol/protocolVersion";

// Nullopt for a version that we do not serve.
std::optional<era> era_of_version(std::string_view version);

// The one to answer initialize with: the requested one, else our latest.
std::string_view negotiate_version(std::string_view requested);

// `header` is the value of MCP-Protocol-Version. The refusals are those that clients of the modern era understand, and
// never 401 or 5xx, at which they give up: 400 with −32022 and the versions there are, with −32020 for a field that is
// missing or differs, with −32602 for what _meta lacks.
std::expected<era, rejection> classify(const posted_body& body, std::optional<std::string_view> header);

}  // namespace common::mcp
