// The commands of an operator at the hub's database: init, workspace, api-key, join-token, list, revoke, audit.
// Each prints to stdout (a credential once) and returns the exit status.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace hub {

struct init_config {
    std::filesystem::path data;
    std::string database;
    std::string workspace = "main";
    std::string owner = "owner";
    std::string email;       // the owner's; may be empty
    std::string public_url;  // for the link that is printed; may be empty
    bool json = false;
};
int init(const init_config& config);
// One more workspace, with an owner and credentials of its own.
int make_workspace(const init_config& config);

struct credential_config {
    std::filesystem::path data;
    std::string database;
    std::string workspace;  // name; empty: the only one
    std::string name;
    bool admin = false;  // of an API key: it may manage the workspace too
    bool json = false;
};
int make_api_key(const credential_config& config);
int make_join_token(const credential_config& config);

// The API keys and machines of a workspace, without secrets.
int list(const credential_config& config);
// Revokes the API key k_… or the machine m_… (or of that name) for good. A hub that runs notices within seconds.
int revoke(const credential_config& config, const std::string& id);

struct audit_config {
    credential_config where;
    std::int64_t since_ms = 0;  // Unix time
    std::string machine;        // id or name; empty: all
    bool refused = false;
};
// Who did what when, newest first.
int audit(const audit_config& config);

// "90m", "24h", "7d", "2026-11-21" or "2026-11-21T05:10:55Z" as Unix milliseconds; `now` counts for the first three.
std::optional<std::int64_t> parse_since(const std::string& text, std::int64_t now_ms);

}  // namespace hub
