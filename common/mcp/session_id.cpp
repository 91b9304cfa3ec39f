#include "common/mcp/session_id.hpp"

#include "common/mcp/era.hpp"

namespace common::mcp {
namespace {

constexpr std::size_t name_length = 22;  // of [a-z0-9]: 113 bits
constexpr std::size_t sealed_bytes_max = 512;

std::string purpose(std::string_view principal_key) { return "mcp-session-1/" + std::string(principal_key); }

}  // namespace

std::string seal_session(const engine_options& options, std::string_view principal_key, std::string_view version) {
    const std::string plain = std::string(version) + ' ' + options.random_token(name_length);
    return options.seal(plain, purpose(principal_key));
}

std::optional<legacy_session> open_session(const engine_options& options, std::string_view principal_key,
                                           std::string_view sealed) {
    if (sealed.empty() || sealed.size() > sealed_bytes_max) return std::nullopt;
    const std::optional<std::string> plain = options.open(sealed, purpose(principal_key));
    if (!plain) return std::nullopt;
    const std::size_t space = plain->find(' ');
    if (space == std::string::npos) return std::nullopt;
    legacy_session session;
    session.version = plain->substr(0, space);
    session.name = plain->substr(space + 1);
    // A later release may have dropped the version: the client then has to initialize again.
    if (era_of_version(session.version) != era::legacy || session.name.empty()) return std::nullopt;
    return session;
}

}  // namespace common::mcp
