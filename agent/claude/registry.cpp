#include "agent/claude/registry.hpp"

#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

#include "agent/claude/json_access.hpp"

namespace agent::claude {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t entries_max = 4096;
constexpr std::size_t entry_bytes_max = 64 * 1024;

std::optional<pid_t> pid_of(const fs::path& entry) {
    const std::string name = entry.stem().string();
    pid_t pid = 0;
    const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (entry.extension() != ".json" || ec != std::errc() || end != name.data() + name.size() || pid <= 0)
        return std::nullopt;
    return pid;
}

nlohmann::json read_entry(const fs::path& entry) {
    std::ifstream in(entry, std::ios::binary);
    std::string text(entry_bytes_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return nlohmann::json::parse(text, nullptr, false);
}

// A number in the format that we saw, a text in case it becomes one.
std::string start_in(const nlohmann::json& entry) {
    const auto* value = member(entry, "procStart");
    if (value == nullptr) return {};
    return value->is_string() ? value->get<std::string>() : value->dump();
}

}  // namespace

std::optional<std::string> process_start(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    // The second field is the program's name in parentheses and may hold anything.
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::size_t begin = name_end + 2;
    // A zombie is over; only its parent has not noticed yet.
    if (begin < text.size() && (text[begin] == 'Z' || text[begin] == 'X')) return std::nullopt;
    for (int field = 3; field < 22; ++field) {
        begin = text.find(' ', begin);
        if (begin == std::string::npos) return std::nullopt;
        ++begin;
    }
    return text.substr(begin, text.find(' ', begin) - begin);
}

std::vector<running_claude> list_running(const fs::path& config,
                                         const std::function<std::optional<std::string>(pid_t)>& start_of) {
    std::vector<running_claude> out;
    std::error_code ec;
    std::size_t seen = 0;
    for (fs::directory_iterator it(config / "sessions", ec), end; !ec && it != end && ++seen <= entries_max;
         it.increment(ec)) {
        std::error_code ignored;
        const auto pid = pid_of(it->path());
        if (!pid || !fs::is_regular_file(it->symlink_status(ignored))) continue;
        const auto entry = read_entry(it->path());
        auto session_id = text_of(entry, "sessionId");
        const auto started = start_of(*pid);
        const std::string told = start_in(entry);
        // It is gone, and its number may be another's now.
        if (session_id.empty() || !started || (!told.empty() && told != *started)) continue;
        out.push_back({*pid, text_of(entry, "kind") == "interactive", std::move(session_id)});
    }
    return out;
}

std::optional<running_claude> find_running(const fs::path& config, const std::string& session_id,
                                           const std::function<std::optional<std::string>(pid_t)>& start_of) {
    for (auto& each : list_running(config, start_of))
        if (each.session_id == session_id) return std::move(each);
    return std::nullopt;
}

}  // namespace agent::claude
