#include "agent/claude/login_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace agent::claude {
namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;

// Where claude keeps its files must be the same for the agent, which reads them.
constexpr std::array places = {"HOME", "CLAUDE_CONFIG_DIR"};

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

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r";
    const auto from = text.find_first_not_of(space);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(space) - from + 1);
}

bool is_name(std::string_view name) {
    const auto good = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    return !name.empty() && !(name.front() >= '0' && name.front() <= '9') && std::ranges::all_of(name, good);
}

std::string_view unquoted(std::string_view value) {
    const bool quoted =
        value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
    return quoted ? value.substr(1, value.size() - 2) : value;
}

// Empty when the line is good.
std::string take_line(std::string_view line, variables& out) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#') return {};
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const auto equals = line.find('=');
    const std::string name(trimmed(line.substr(0, equals)));
    if (equals == std::string_view::npos || !is_name(name)) return "is not of the form NAME=value.";
    if (name.starts_with("CODEZ_")) return "sets a variable of CodeZ's own. Remove it.";
    if (std::ranges::find(places, name) != places.end())
        return "sets " + name + ". Set it in the agent's own environment: the agent reads Claude Code's files too.";
    out[name] = unquoted(trimmed(line.substr(equals + 1)));
    return {};
}

}  // namespace

std::expected<variables, std::string> read_login_file(const std::filesystem::path& file) {
    const auto wrong = [&](const std::string& what) { return std::unexpected(file.string() + " " + what); };
    const descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (in.get() < 0 && errno == ENOENT) return variables();
    if (in.get() < 0 && errno == ELOOP) return wrong("is a symbolic link. Put the file itself there.");
    if (in.get() < 0) return wrong(std::string("cannot be opened: ") + std::strerror(errno) + ".");
    struct stat st{};
    if (::fstat(in.get(), &st) != 0 || !S_ISREG(st.st_mode)) return wrong("is not a regular file.");
    if (st.st_uid != ::geteuid()) return wrong("belongs to another user. Make it anew as the agent's user.");
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) return wrong("can be read by others. Run: chmod 600 " + file.string());

    std::string text(file_bytes_max + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const auto got = ::read(in.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return wrong(std::string("cannot be read: ") + std::strerror(errno) + ".");
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > file_bytes_max) return wrong("is larger than 64 KiB.");
    text.resize(size);
    if (text.find('\0') != std::string::npos) return wrong("is not a text file.");

    variables out;
    std::size_t begin = 0;
    for (int number = 1; begin < text.size(); ++number) {
        const auto end = std::min(text.find('\n', begin), text.size());
        if (const auto bad = take_line(std::string_view(text).substr(begin, end - begin), out); !bad.empty())
            return wrong("line " + std::to_string(number) + " " + bad);
        begin = end + 1;
    }
    return out;
}

}  // namespace agent::claude
