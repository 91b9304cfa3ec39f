// The machine's own rules (agent.toml): what calls may do here, whoever sends them. Nothing that comes over the link can
// change them. Immutable once loaded; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/policy/deny_pattern.hpp"
#include "agent/policy/option_rules.hpp"
#include "agent/policy/tool_rules.hpp"
#include "proto/error.hpp"

namespace agent {

enum class call_origin { machine, link };

class policy {
public:
    // Reads `file`; /etc/codez/agent.toml wins if it exists: then only root may be able to write it. A missing file is
    // the default policy: no roots, so no session can be created. A bad file is an error that names it and the line:
    // never a laxer policy.
    static std::expected<policy, std::string> load(const std::filesystem::path& file,
                                                   const std::filesystem::path& system_file = "/etc/codez/agent.toml");

    // The directory a session may run in: exists, lies under a root (openat2 with RESOLVE_BENEATH, so that no symlink
    // leads out) and matches no deny pattern. Returns its real path. Errors name the parameter.
    proto::result<std::filesystem::path> check_directory(std::string_view path,
                                                         std::string_view parameter = "cwd") const;

    // The options of a session (claude/start_options.hpp), checked against their schema, with real paths. Those that came
    // over the link are `from_afar`, whoever starts the session; paths must lie under a root for everybody.
    proto::result<nlohmann::json> check_session_options(nlohmann::json options, bool from_afar) const;

    // Is the path under a root and not denied, as it is spelled? For listings: nothing is opened.
    bool opens(const std::filesystem::path& path) const;

    // The mode to use: `requested`, or "default" if it is empty; refused above max_permission_mode.
    proto::result<std::string> check_permission_mode(std::string_view requested) const;

    proto::result<void> check_prompt(std::string_view text) const;

    // May a permission request be answered over the link? is_person: somebody signed in does.
    proto::result<void> check_remote_permission_response(bool is_person) const;
    // May who prompted the session answer its requests too?
    proto::result<void> check_self_approval(bool is_person) const;

    // The changes to claude's own rules that come with an answer (its permission_suggestions, an array): where they are
    // kept, which mode they set, which directories they open.
    proto::result<void> check_permission_updates(const nlohmann::json& updates, call_origin from) const;

    // Where sessions may have git work trees of their own made; refused unless the file names a directory under a root.
    proto::result<std::filesystem::path> check_worktrees() const;

    const agent::tool_rules& tool_rules() const { return tool_rules_; }
    // So long a permission request waits at most. 0: without limit.
    std::chrono::seconds permission_expiry() const { return permission_expiry_; }
    const std::vector<std::filesystem::path>& roots() const { return roots_; }
    std::size_t max_sessions() const { return max_sessions_; }
    // How long a session may sit idle before its claude is ended; 0: for ever.
    std::chrono::milliseconds idle_ttl() const { return idle_ttl_; }
    // How long a session that nobody uses is kept in the log; 0: for ever.
    std::chrono::milliseconds keep() const { return keep_; }
    const std::filesystem::path& file() const { return file_; }
    // The claude program, if the file names one.
    const std::filesystem::path& claude() const { return claude_; }

private:
    proto::error denied(std::string_view rule, std::string message, std::string hint) const;

    std::filesystem::path file_;
    std::vector<std::filesystem::path> roots_;
    std::vector<deny_pattern> deny_;
    std::string max_permission_mode_ = "acceptEdits";
    std::size_t max_sessions_ = 8;
    std::chrono::milliseconds idle_ttl_ = std::chrono::minutes(30);
    std::chrono::milliseconds keep_ = std::chrono::days(90);
    std::size_t max_prompt_bytes_ = 256 * 1024;
    enum class approval { allow, ask, never };  // ask: somebody signed in only
    static std::optional<approval> approval_of(std::string_view text);
    approval remote_permission_response_ = approval::allow;
    approval self_approval_ = approval::allow;
    std::vector<std::string> remote_permission_updates_;  // destinations
    std::chrono::seconds permission_expiry_{0};
    agent::tool_rules tool_rules_;
    std::filesystem::path claude_;
    std::filesystem::path worktrees_;
    option_rules options_;
};

}  // namespace agent
