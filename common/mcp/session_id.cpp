#include "common/mcp/session_id.hpp"

#include <fmt/format.h>

#include "common/mcp/era.hpp"

namespace common::mcp {
namespace {

constexpr std::size_t name_length = 22;  // of [a-z0-9]: 113 bits
constexpr std::size_t sealed_bytes_max = 512;

// One letter for each ability.
std::string to_letters(const client_abilities& client) {
    std::string letters = "-";
    if (client.elicitation_form) letters += 'f';
    if (client.elicitation_url) letters += 'u';
    if (client.sampling) letters += 's';
    if (client.sampling_tools) letters += 't';
    if (client.roots) letters += 'r';
    return letters;
}

client_abilities from_letters(std::string_view letters) {
    const auto has = [&](char letter) { return letters.find(letter) != std::string_view::npos; };
    client_abilities client;
    client.elicitation_form = has('f');
    client.elicitation_url = has('u');
    client.sampling = has('s');
    client.sampling_tools = has('t');
    client.roots = has('r');
    return client;
}

std::string purpose(std::string_view principal_key) { return "mcp-session-1/" + std::string(principal_key); }

}  // namespace

std::string seal_session(const engine_options& options, std::string_view principal_key, std::string_view version,
                         const client_abilities& client) {
    const std::string plain = fmt::format("{} {} {}", version, options.random_token(name_length), to_letters(client));
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
    // Sessions of the first release have no abilities in them.
    if (const std::size_t end = session.name.find(' '); end != std::string::npos) {
        session.client = from_letters(std::string_view(session.name).substr(end + 1));
        session.name.resize(end);
    }
    // A later release may have dropped the version: the client then has to initialize again.
    if (era_of_version(session.version) != era::legacy || session.name.empty()) return std::nullopt;
    return session;
}

}  // namespace common::mcp
