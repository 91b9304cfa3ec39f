#include "agent/local/peer_session.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

namespace agent::local {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t known_max = 512;
constexpr std::size_t ancestors_max = 1024;

std::optional<pid_t> number(std::string_view text) {
    pid_t value = 0;
    const auto [used, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || used != text.data() + text.size() || value <= 0) return std::nullopt;
    return value;
}

// The name in parentheses may itself contain spaces and parentheses (proc(5)).
std::optional<pid_t> parent_of(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string stat;
    std::getline(file, stat, '\0');
    const auto name_end = stat.rfind(") ");
    if (name_end == std::string::npos || name_end + 4 > stat.size()) return std::nullopt;
    const auto rest = std::string_view(stat).substr(name_end + 4);
    return number(rest.substr(0, rest.find(' ')));
}

bool holds_socket(const fs::path& process, const std::string& link) {
    std::error_code ec;
    for (fs::directory_iterator fd(process / "fd", ec), end; !ec && fd != end; fd.increment(ec)) {
        std::error_code gone;
        if (fs::read_symlink(fd->path(), gone).native() == link) return true;
    }
    return false;
}

std::vector<pid_t> owners_of(std::uint64_t inode) {
    const std::string link = fmt::format("socket:[{}]", inode);
    std::vector<pid_t> owners;
    std::error_code ec;
    for (fs::directory_iterator entry("/proc", ec), end; !ec && entry != end; entry.increment(ec)) {
        const auto pid = number(entry->path().filename().native());
        if (pid && holds_socket(entry->path(), link)) owners.push_back(*pid);
    }
    return owners;
}

}  // namespace

caller_session session_of(pid_t pid, const std::map<pid_t, running_claude>& running) {
    std::map<pid_t, const running_claude*> roots;
    for (const auto& [claude, session] : running) {
        roots.emplace(claude, &session);
        if (const auto holder = parent_of(claude); holder && *holder > 1) roots.emplace(*holder, &session);
    }
    caller_session out;
    std::optional<pid_t> at = pid;
    for (std::size_t steps = 0; at && steps < ancestors_max; ++steps) {
        if (const auto root = roots.find(*at); root != roots.end())
            return {true, root->second->session_id, root->second->depth};
        out.found = true;
        if (*at == 1) break;
        at = parent_of(*at);
    }
    return out;
}

caller_session peer_sessions::find(const socket_address& peer, const socket_address& own) {
    const auto inode = inode_of_peer(peer, own);
    if (!inode) return {};
    const auto before = std::ranges::find(known_, *inode, &known::inode);
    if (before != known_.end()) {
        known_.splice(known_.begin(), known_, before);
        return before->caller;
    }
    const auto running = running_();
    caller_session caller;
    // Whoever of several holds it (a parent and the child that it gave it to): one in a session is enough.
    for (const pid_t pid : owners_of(*inode)) {
        const auto one = session_of(pid, running);
        if (!caller.found || !one.session_id.empty()) caller = one;
        if (!caller.session_id.empty()) break;
    }
    if (!caller.found) return caller;  // asked again: it may only have been too early
    known_.push_front({*inode, caller});
    if (known_.size() > known_max) known_.pop_back();
    return caller;
}

}  // namespace agent::local
