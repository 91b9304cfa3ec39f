#include "agent/policy/tool_rule.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace agent {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t rule_bytes_max = 4096;
constexpr std::string_view shell_operators = ";&|<>`$(){}\n\r\\";
constexpr std::array<std::string_view, 8> path_tools{"Read",         "Write", "Edit", "MultiEdit",
                                                     "NotebookEdit", "Glob",  "Grep", "LS"};

std::string text_in(const nlohmann::json& object, const char* name) {
    if (!object.is_object()) return {};
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// * matches any text without a character of `barriers`, \ takes the next character as it is. Greedy over the last *, so
// no more than pattern times text steps.
bool glob(std::string_view pattern, std::string_view text, std::string_view barriers) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t star_t = 0;
    for (;;) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_t = t;
            continue;
        }
        const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
        if (p < pattern.size() && t < text.size() && pattern[escaped ? p + 1 : p] == text[t]) {
            p += escaped ? 2 : 1;
            ++t;
        } else if (p == pattern.size() && t == text.size()) {
            return true;
        } else if (star != std::string_view::npos && star_t < text.size() &&
                   barriers.find(text[star_t]) == std::string_view::npos) {
            p = star + 1;
            t = ++star_t;
        } else {
            return false;
        }
    }
}

bool command_matches(std::string_view pattern, std::string_view command, std::string_view barriers) {
    if (glob(pattern, command, barriers)) return true;
    return pattern.ends_with(" *") && glob(pattern.substr(0, pattern.size() - 2), command, barriers);
}

std::string_view trimmed(std::string_view text) {
    const auto from = text.find_first_not_of(" \t");
    return from == std::string_view::npos ? std::string_view()
                                          : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

std::vector<std::string> components(const fs::path& path) {
    std::vector<std::string> out;
    for (const auto& part : path)
        if (!part.empty() && part != "/") out.push_back(part.string());
    return out;
}

// ** stands for any number of components. Patterns are short; bounded by their product.
bool path_matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
    std::vector<char> reached(path.size() + 1, 0);  // by the pattern so far: path components used
    reached[0] = 1;
    for (const auto& part : pattern) {
        std::vector<char> next(path.size() + 1, 0);
        for (std::size_t i = 0; i <= path.size(); ++i) {
            if (reached[i] == 0) continue;
            if (part == "**")
                std::fill(next.begin() + static_cast<std::ptrdiff_t>(i), next.end(), 1);
            else if (i < path.size() && glob(part, path[i], ""))
                next[i + 1] = 1;
        }
        reached = std::move(next);
    }
    return reached.back() != 0;
}

std::string path_of(const nlohmann::json& input) {
    for (const char* name : {"file_path", "notebook_path", "path"})
        if (auto text = text_in(input, name); !text.empty()) return text;
    return {};
}

std::string host_of(const nlohmann::json& input) {
    const std::string url = text_in(input, "url");
    const auto begin = url.find("://");
    if (begin == std::string::npos) return {};
    const std::string authority = url.substr(begin + 3, url.find_first_of("/?#\\", begin + 3) - begin - 3);
    if (authority.find('@') != std::string::npos) return {};
    std::string host = authority.substr(0, authority.find(':'));
    std::ranges::transform(host, host.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return host;
}

}  // namespace

std::expected<tool_rule, std::string> tool_rule::parse(const std::string& text) {
    const auto bad = [&](std::string_view why) { return std::unexpected(fmt::format("the rule {} {}", text, why)); };
    tool_rule out;
    out.text_ = text;
    const auto open = text.find('(');
    out.tool_ = text.substr(0, open);
    const bool good_name = !out.tool_.empty() && std::ranges::all_of(out.tool_, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '*' || c == '.';
    });
    if (text.size() > rule_bytes_max) return bad("is too long.");
    if (!good_name) return bad("must begin with a tool's name.");
    if (open == std::string::npos) return out;
    if (!text.ends_with(')') || text.size() - open < 3) return bad("must end with a pattern in parentheses.");
    out.pattern_ = text.substr(open + 1, text.size() - open - 2);
    if (out.tool_ == "Bash") {
        out.subject_ = subject::command;
        // The older spelling of a prefix.
        if (out.pattern_.ends_with(":*")) out.pattern_.replace(out.pattern_.size() - 2, 2, " *");
    } else if (std::ranges::find(path_tools, out.tool_) != path_tools.end()) {
        out.subject_ = subject::path;
        if (out.pattern_.starts_with('~')) return bad("has ~ in its path: write the whole path.");
    } else if (out.tool_ == "WebFetch" && out.pattern_.starts_with("domain:")) {
        out.subject_ = subject::domain;
        out.pattern_.erase(0, std::string_view("domain:").size());
    } else {
        return bad("has a pattern, which Bash, the tools for files and WebFetch(domain:…) take only.");
    }
    return out;
}

bool tool_rule::permits(const tool_use& use) const {
    if (!glob(tool_, use.tool, "")) return false;
    switch (subject_) {
        case subject::any:
            return true;
        case subject::command:
            return command_matches(pattern_, text_in(use.input, "command"), shell_operators);
        case subject::path: {
            const std::string named = path_of(use.input);
            if (named.empty()) return false;
            const fs::path path = (use.cwd / named).lexically_normal();
            const auto pattern = components((use.cwd / pattern_).lexically_normal());
            std::error_code ec;
            const fs::path real = fs::weakly_canonical(use.cwd / named, ec);
            return !ec && path_matches(pattern, components(path)) && path_matches(pattern, components(real));
        }
        case subject::domain:
            return glob(pattern_, host_of(use.input), "");
    }
    return false;
}

bool tool_rule::concerns(const tool_use& use) const {
    if (!glob(tool_, use.tool, "")) return false;
    switch (subject_) {
        case subject::any:
            return true;
        case subject::command: {
            const std::string command = text_in(use.input, "command");
            if (command_matches(pattern_, command, "")) return true;
            for (std::size_t from = 0; from <= command.size();) {
                const auto to = std::min(command.find_first_of(";&|`$(){}\n", from), command.size());
                if (command_matches(pattern_, trimmed(std::string_view(command).substr(from, to - from)), ""))
                    return true;
                from = to + 1;
            }
            return false;
        }
        case subject::path: {
            const std::string named = path_of(use.input);
            const auto pattern = components((use.cwd / pattern_).lexically_normal());
            std::error_code ec;
            const fs::path real = fs::weakly_canonical(use.cwd / named, ec);
            return path_matches(pattern, components((use.cwd / named).lexically_normal())) ||
                   (!ec && path_matches(pattern, components(real)));
        }
        case subject::domain:
            return glob(pattern_, host_of(use.input), "");
    }
    return false;
}

std::string tool_rule::for_claude() const {
    return subject_ == subject::path && pattern_.starts_with('/') ? tool_ + "(/" + pattern_ + ")" : text_;
}

std::string escaped_pattern(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '*' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

}  // namespace agent
