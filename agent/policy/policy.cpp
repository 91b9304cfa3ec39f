#include "agent/policy/policy.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>
#include <nlohmann/json.hpp>

#include "agent/policy/permission_updates.hpp"
#include "proto/limits.hpp"

namespace agent {

namespace fs = std::filesystem;

namespace {

// plan < default = dontAsk < acceptEdits < auto; bypassPermissions is the local command line's alone.
std::optional<int> mode_rank(std::string_view mode) {
    static constexpr std::array<std::pair<std::string_view, int>, 5> ranks{
        {{"plan", 0}, {"default", 1}, {"dontAsk", 1}, {"acceptEdits", 2}, {"auto", 3}}};
    for (const auto& [name, rank] : ranks)
        if (name == mode) return rank;
    return std::nullopt;
}

class descriptor {
public:
    explicit descriptor(int fd) : fd_(fd) {}
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

// The real path of `relative` under `root`, if no component leads out of it (openat2(2), RESOLVE_BENEATH).
std::expected<fs::path, int> resolve_beneath(const fs::path& root, const fs::path& relative) {
    const descriptor base(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (base.get() < 0) return std::unexpected(errno);
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const std::string name = relative.empty() ? "." : relative.string();
    const descriptor found(static_cast<int>(::syscall(SYS_openat2, base.get(), name.c_str(), &how, sizeof how)));
    if (found.get() < 0) return std::unexpected(errno);
    std::error_code ec;
    auto real = fs::read_symlink(fmt::format("/proc/self/fd/{}", found.get()), ec);
    if (ec) return std::unexpected(ec.value());
    return real;
}

bool is_under(const fs::path& path, const fs::path& root) {
    auto [r, p] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
    return r == root.end();
}

constexpr int idle_minutes_max = 7 * 24 * 60;
constexpr int keep_days_max = 36500;

enum class file_state { absent, protected_by_root, others_write };

file_state system_file_state(const fs::path& file) {
    struct stat st{};
    if (::stat(file.c_str(), &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? file_state::absent : file_state::others_write;
    const bool others = st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    return others ? file_state::others_write : file_state::protected_by_root;
}

std::optional<std::string> bad_strings(const toml::table& table, std::string_view key, std::vector<std::string>& out) {
    const auto* node = table.get(key);
    if (node == nullptr) return std::nullopt;
    const auto* array = node->as_array();
    if (array == nullptr) return fmt::format("`{}` must be a list of strings.", key);
    out.clear();
    for (const auto& element : *array) {
        const auto text = element.value<std::string>();
        if (!text || text->empty()) return fmt::format("`{}` must be a list of strings.", key);
        out.push_back(*text);
    }
    return std::nullopt;
}

std::optional<std::string> bad_count(const toml::table& table, std::string_view key, std::size_t& out,
                                     std::int64_t max) {
    const auto* node = table.get(key);
    if (node == nullptr) return std::nullopt;
    const auto number = node->value_exact<std::int64_t>();
    if (!number || *number < 1 || *number > max)
        return fmt::format("`{}` must be a whole number from 1 to {}.", key, max);
    out = static_cast<std::size_t>(*number);
    return std::nullopt;
}

std::optional<std::string> bad_tool_rules(const toml::table& file, tool_rules& out) {
    const auto* node = file.get("tool_rules");
    if (node == nullptr) return std::nullopt;
    const auto* table = node->as_table();
    if (table == nullptr) return "`tool_rules` must be a table: [tool_rules].";
    const std::map<std::string_view, std::vector<tool_rule>*> lists{
        {"allow", &out.allow}, {"ask", &out.ask}, {"deny", &out.deny}, {"audit", &out.audit}};
    for (const auto& [key, value] : *table) {
        const auto list = lists.find(key.str());
        if (list == lists.end()) return fmt::format("`tool_rules` has no setting `{}`.", key.str());
        std::vector<std::string> texts;
        if (auto e = bad_strings(*table, key.str(), texts)) return e;
        for (const auto& text : texts) {
            auto rule = tool_rule::parse(text);
            if (!rule) return fmt::format("`{}` of `tool_rules`: {}", key.str(), rule.error());
            list->second->push_back(std::move(*rule));
        }
    }
    return std::nullopt;
}

}  // namespace

std::expected<policy, std::string> policy::load(const fs::path& user_file, const fs::path& system_file) {
    policy p;
    const file_state system = system_file_state(system_file);
    if (system == file_state::others_write)
        return std::unexpected(
            fmt::format("{} is there, but others than root could have written it, or it cannot be "
                        "examined. As root: chown root and chmod go-w it, or remove it.",
                        system_file.string()));
    p.file_ = system == file_state::protected_by_root ? system_file : user_file;
    std::error_code absent;
    if (!fs::exists(fs::symlink_status(p.file_, absent))) return p;

    const auto wrong = [&](std::string_view what) {
        return std::unexpected(fmt::format("{}: {}", p.file_.string(), what));
    };
    toml::table table;
    try {
        table = toml::parse_file(p.file_.string());
    } catch (const toml::parse_error& e) {
        return wrong(fmt::format("line {}: {}", e.source().begin.line, e.description()));
    }
    static const std::set<std::string_view> known{"roots",
                                                  "deny",
                                                  "max_permission_mode",
                                                  "max_sessions",
                                                  "max_prompt_bytes",
                                                  "remote_permission_response",
                                                  "remote_permission_updates",
                                                  "self_approval",
                                                  "permission_expiry_s",
                                                  "tool_rules",
                                                  "claude",
                                                  "worktrees",
                                                  "session_options",
                                                  "session_env",
                                                  "session_executables",
                                                  "idle_minutes",
                                                  "keep_days"};
    for (const auto& [key, node] : table)
        if (!known.contains(key.str())) return wrong(fmt::format("`{}` is not a setting of the policy.", key.str()));

    std::vector<std::string> roots;
    if (auto e = bad_strings(table, "roots", roots)) return wrong(*e);
    for (const auto& root : roots) {
        if (!fs::path(root).is_absolute()) return wrong(fmt::format("the root {} must be an absolute path.", root));
        std::error_code ec;
        auto real = fs::canonical(root, ec);
        if (ec)
            return wrong(
                fmt::format("the root {} does not exist. Make the directory or remove it from `roots`.", root));
        if (!fs::is_directory(real, ec)) return wrong(fmt::format("the root {} is not a directory.", root));
        p.roots_.push_back(std::move(real));
    }
    std::vector<std::string> deny{"**/.ssh", "**/.aws", "**/.gnupg"};
    if (auto e = bad_strings(table, "deny", deny)) return wrong(*e);
    for (const auto& text : deny) {
        auto pattern = deny_pattern::parse(text);
        if (!pattern) return wrong(pattern.error());
        p.deny_.push_back(std::move(*pattern));
    }
    if (auto e = bad_count(table, "max_sessions", p.max_sessions_, 1000)) return wrong(*e);
    if (auto e = bad_count(table, "max_prompt_bytes", p.max_prompt_bytes_, proto::limits::prompt_bytes_max))
        return wrong(*e);
    if (const auto* node = table.get("idle_minutes")) {
        const double minutes = node->value_or(-1.0);
        if (!(minutes >= 0 && minutes <= idle_minutes_max))
            return wrong(fmt::format("`idle_minutes` must be a number from 0 (never) to {}.", idle_minutes_max));
        p.idle_ttl_ = std::chrono::milliseconds(static_cast<std::int64_t>(minutes * 60'000));
    }
    if (const auto* node = table.get("keep_days")) {
        const auto days = node->value_exact<std::int64_t>();
        if (!days || *days < 0 || *days > keep_days_max)
            return wrong(fmt::format("`keep_days` must be a whole number from 0 (for ever) to {}.", keep_days_max));
        p.keep_ = std::chrono::days(*days);
    }
    if (const auto* node = table.get("max_permission_mode")) {
        p.max_permission_mode_ = node->value_or(std::string());
        if (!mode_rank(p.max_permission_mode_))
            return wrong("`max_permission_mode` must be one of plan, default, dontAsk, acceptEdits, auto.");
    }
    if (const auto* node = table.get("remote_permission_response")) {
        const auto choice = approval_of(node->value_or(std::string()));
        if (!choice) return wrong("`remote_permission_response` must be \"allow\", \"ask\" or \"never\".");
        p.remote_permission_response_ = *choice;
    }
    if (const auto* node = table.get("self_approval")) {
        const auto text = node->value_or(std::string());
        const auto choice = approval_of(text == "deny" ? "never" : text == "never" ? "" : text);
        if (!choice) return wrong("`self_approval` must be \"allow\", \"ask\" or \"deny\".");
        p.self_approval_ = *choice;
    }
    if (auto e = bad_strings(table, "remote_permission_updates", p.remote_permission_updates_)) return wrong(*e);
    for (const auto& destination : p.remote_permission_updates_)
        if (!is_update_destination(destination))
            return wrong("`remote_permission_updates` may list session, localSettings, projectSettings, userSettings.");
    if (const auto* node = table.get("worktrees")) {
        p.worktrees_ = fs::path(node->value_or(std::string())).lexically_normal();
        if (!p.worktrees_.is_absolute()) return wrong("`worktrees` must be the absolute path of a directory.");
        if (p.worktrees_.filename().empty()) p.worktrees_ = p.worktrees_.parent_path();
    }
    std::size_t expiry = 0;
    if (auto e = bad_count(table, "permission_expiry_s", expiry, proto::limits::permission_expiry_s_max))
        return wrong(*e);
    p.permission_expiry_ = std::chrono::seconds(expiry);
    if (auto e = bad_tool_rules(table, p.tool_rules_)) return wrong(*e);
    std::vector<std::string> names, variables, executables;
    if (auto e = bad_strings(table, "session_options", names)) return wrong(*e);
    if (auto e = bad_strings(table, "session_env", variables)) return wrong(*e);
    if (auto e = bad_strings(table, "session_executables", executables)) return wrong(*e);
    auto options = option_rules::make(names, variables, executables);
    if (!options) return wrong(options.error());
    p.options_ = std::move(*options);
    if (const auto* node = table.get("claude")) {
        p.claude_ = node->value_or(std::string());
        if (!p.claude_.is_absolute()) return wrong("`claude` must be the absolute path of the claude program.");
    }
    return p;
}

proto::error policy::denied(std::string_view rule, std::string message, std::string hint) const {
    const nlohmann::json details{{"rule", rule}, {"file", file_.string()}};
    return {proto::error_code::policy_denied, fmt::format("{} (rule `{}` of {})", message, rule, file_.string()),
            std::move(hint), details.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

proto::result<fs::path> policy::check_directory(std::string_view given, std::string_view parameter) const {
    using proto::error_code;
    const fs::path path = fs::path(given).lexically_normal();
    if (given.empty() || !path.is_absolute() || given.find('\0') != std::string_view::npos)
        return proto::fail(error_code::invalid_argument, fmt::format("`{}` must be an absolute path.", parameter));
    if (roots_.empty())
        return std::unexpected(
            denied("roots", "No directory of this machine is open to sessions.",
                   "On the machine, add a directory to `roots` in that file and restart codez agent."));

    // A path may lead through symlinks to a root; what counts is where it really is, checked again by the kernel.
    std::error_code ec;
    fs::path real = fs::weakly_canonical(path, ec);
    if (ec) real = path;
    for (const auto& root : roots_) {
        if (!is_under(real, root)) continue;
        const auto found = resolve_beneath(root, real.lexically_relative(root));
        if (!found) {
            if (found.error() == ENOENT || found.error() == ENOTDIR)
                return proto::fail(error_code::invalid_argument,
                                   fmt::format("`{}` {} is not a directory.", parameter, path.string()),
                                   "Make the directory on the machine first, or name another one.");
            if (found.error() == EACCES || found.error() == EPERM)
                return proto::fail(
                    error_code::invalid_argument,
                    fmt::format("`{}` {} is not accessible to the agent's user.", parameter, path.string()));
            continue;
        }
        // Somebody may have put a link in the root's own place since the policy was read.
        if (!is_under(*found, root)) continue;
        // By either name: a pattern means the place as its author saw it.
        for (const auto& pattern : deny_)
            if (pattern.matches(*found) || pattern.matches(path))
                return std::unexpected(denied(
                    "deny", fmt::format("`{}` matches \"{}\", which is closed to sessions.", parameter, pattern.text()),
                    "Use another directory."));
        return *found;
    }
    std::string list;
    for (const auto& root : roots_) list += (list.empty() ? "" : ", ") + root.string();
    return std::unexpected(
        denied("roots", fmt::format("`{}` is outside the directories that this machine opens to sessions.", parameter),
               fmt::format("Use a directory under: {}.", list)));
}

bool policy::opens(const fs::path& path) const {
    const fs::path plain = path.lexically_normal();
    const auto under = [&](const fs::path& root) { return is_under(plain, root); };
    const auto denies = [&](const deny_pattern& pattern) { return pattern.matches(plain); };
    return std::ranges::any_of(roots_, under) && std::ranges::none_of(deny_, denies);
}

proto::result<std::string> policy::check_permission_mode(std::string_view requested) const {
    const std::string mode(requested.empty() ? "default" : requested);
    const auto rank = mode_rank(mode);
    const int max = *mode_rank(max_permission_mode_);
    if (!rank)
        return std::unexpected(denied("max_permission_mode",
                                      fmt::format("The permission mode {} is not open to calls.", mode),
                                      fmt::format("Use {} or less.", max_permission_mode_)));
    // A machine that allows less than `default` runs its sessions in the most it allows unless one asked for more.
    if (*rank > max && requested.empty()) return max_permission_mode_;
    if (*rank > max)
        return std::unexpected(denied("max_permission_mode",
                                      fmt::format("The permission mode {} is above this machine's highest.", mode),
                                      fmt::format("Use {} or less.", max_permission_mode_)));
    return mode;
}

proto::result<fs::path> policy::check_worktrees() const {
    if (worktrees_.empty())
        return std::unexpected(denied(
            "worktrees", "This machine makes no work trees for sessions.",
            "On the machine, set `worktrees` in that file to a directory under a root and restart codez agent."));
    if (opens(worktrees_)) return worktrees_;
    return std::unexpected(denied("worktrees", fmt::format("{} is not under a root, or denied.", worktrees_.string()),
                                  "Name a directory under one of `roots`."));
}

proto::result<void> policy::check_prompt(std::string_view text) const {
    if (text.size() <= max_prompt_bytes_) return {};
    return std::unexpected(
        denied("max_prompt_bytes",
               fmt::format("The prompt has {} bytes; this machine takes {}.", text.size(), max_prompt_bytes_),
               "Put the text into a file on the machine and name it in the prompt."));
}

}  // namespace agent
