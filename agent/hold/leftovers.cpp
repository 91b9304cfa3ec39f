#include "agent/hold/leftovers.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/hold/client.hpp"
#include "agent/hold/descriptor.hpp"

namespace agent::hold {
namespace {

constexpr std::size_t environment_bytes_max = 8u << 20;  // ARG_MAX with an unlimited stack is 6 MiB

std::string read_proc(pid_t pid, const char* name) {
    const auto path = "/proc/" + std::to_string(pid) + "/" + name;
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string content;
    if (!file) return content;
    std::array<char, 4096> piece;
    while (content.size() < environment_bytes_max) {
        const auto n = ::read(file.get(), piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        content.append(piece.data(), static_cast<std::size_t>(n));
    }
    return content;
}

struct process {
    pid_t parent = 0;
    char state = '?';
    std::uint64_t start_time = 0;

    // A zombie is over already; its parent has only to notice.
    bool over() const { return state == 'Z' || state == 'X'; }
};

std::optional<process> read_process(pid_t pid) {
    const auto stat = read_proc(pid, "stat");
    // The name in parentheses may itself contain spaces and parentheses (proc(5)).
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::vector<std::string_view> fields;
    std::string_view rest = std::string_view(stat).substr(name_end + 1);
    while (!rest.empty()) {
        const auto from = rest.find_first_not_of(" \n");
        if (from == std::string_view::npos) break;
        rest.remove_prefix(from);
        const auto to = std::min(rest.find(' '), rest.size());
        fields.push_back(rest.substr(0, to));
        rest.remove_prefix(to);
    }
    if (fields.size() < 20) return std::nullopt;
    process p;
    p.state = fields[0][0];
    std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), p.parent);
    std::from_chars(fields[19].data(), fields[19].data() + fields[19].size(), p.start_time);
    return p;
}

bool is_running(const process_id& id) {
    const auto p = read_process(id.pid);
    return p && p->start_time == id.start_time && !p->over();
}

std::map<pid_t, process> list_processes() {
    std::map<pid_t, process> all;
    const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
    if (!proc) return all;
    while (const dirent* entry = ::readdir(proc.get())) {
        const std::string_view name = entry->d_name;
        pid_t pid = 0;
        const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (ec != std::errc() || end != name.data() + name.size()) continue;
        const auto p = read_process(pid);
        if (p && !p->over()) all.emplace(pid, *p);
    }
    return all;
}

std::set<pid_t> self_and_ancestors() {
    std::set<pid_t> chain;
    for (pid_t pid = ::getpid(); pid > 0 && chain.insert(pid).second;) {
        const auto p = read_process(pid);
        if (!p) break;
        pid = p->parent;
    }
    return chain;
}

bool is_marked(pid_t pid, const std::string& marker) {
    const auto environment = read_proc(pid, "environ");
    std::string_view rest = environment;
    while (!rest.empty()) {
        const auto length = std::min(rest.find('\0'), rest.size());
        if (rest.substr(0, length) == marker) return true;
        rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    return false;
}

// Kills that very process and no later one with its pid: the descriptor pins it, the start time says that it is the one
// that was looked at. True when it was killed.
bool kill_exactly(pid_t pid, const process& seen) {
    const descriptor pin(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pin && errno != ENOSYS) return false;
    const auto now = read_process(pid);
    if (!now || now->start_time != seen.start_time) return false;
    if (!pin) return ::kill(pid, SIGKILL) == 0;  // Linux before 5.3
    return ::syscall(SYS_pidfd_send_signal, pin.get(), SIGKILL, nullptr, 0) == 0;
}

}  // namespace

std::vector<process_id> end_marked(const std::string& session_id) {
    if (session_id.empty()) return {};
    const auto marker = std::string(session_marker) + "=" + session_id;
    const auto spared = self_and_ancestors();
    std::vector<process_id> ended;
    for (const auto& [pid, p] : list_processes())
        if (!spared.contains(pid) && is_marked(pid, marker) && kill_exactly(pid, p))
            ended.push_back({pid, p.start_time});
    return ended;
}

std::vector<process_id> end_descendants() {
    const auto all = list_processes();
    const pid_t self = ::getpid();
    const auto descends = [&](pid_t pid) {
        for (std::size_t depth = 0; depth <= all.size(); ++depth) {
            const auto found = all.find(pid);
            if (found == all.end() || pid == self) return false;
            if (found->second.parent == self) return true;
            pid = found->second.parent;
        }
        return false;
    };
    std::vector<process_id> ended;
    for (const auto& [pid, p] : all)
        if (descends(pid) && kill_exactly(pid, p)) ended.push_back({pid, p.start_time});
    return ended;
}

int end_leftovers(const std::string& session_id) {
    // Each pass also catches what the one before forked while dying. A dying process loses its environment some time
    // before its files, the session's lock among them, so those found are watched until they are over. What does not
    // die (a hung disk) must not hold us up for ever.
    std::set<process_id> ended;
    constexpr int passes_max = 200;
    // In the middle of an exec a process has no environment for a moment, so one clean pass is not enough.
    constexpr int clean_passes = 2;
    int clean = 0;
    for (int pass = 0; pass < passes_max && clean < clean_passes; ++pass) {
        if (pass > 0) ::poll(nullptr, 0, 5);
        const auto found = end_marked(session_id);
        ended.insert(found.begin(), found.end());
        clean = found.empty() && std::ranges::none_of(ended, is_running) ? clean + 1 : 0;
    }
    return static_cast<int>(ended.size());
}

}  // namespace agent::hold
