#include "agent/policy/deny_pattern.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <span>
#include <system_error>

#include <fmt/format.h>

namespace agent {

namespace fs = std::filesystem;

namespace {

using names = std::span<const std::string>;

constexpr std::size_t components_max = 64;

std::vector<std::string> components_of(const fs::path& path) {
    std::vector<std::string> out;
    for (const auto& part : path)
        if (!part.empty() && part != "/") out.push_back(part.string());
    return out;
}

bool one_matches(const std::string& pattern, const std::string& name) {
    return ::fnmatch(pattern.c_str(), name.c_str(), FNM_CASEFOLD) == 0;
}

// Does the pattern match the path or one of its parents? Greedy over the last **, as in every glob matcher: no more than
// pattern times path steps.
bool match_parent(names pattern, names path) {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star = names::extent;  // none yet
    std::size_t star_n = 0;
    while (p < pattern.size()) {
        if (pattern[p] == "**") {
            star = p++;
            star_n = n;
        } else if (n < path.size() && one_matches(pattern[p], path[n])) {
            ++p;
            ++n;
        } else if (star != names::extent && star_n < path.size()) {
            p = star + 1;
            n = ++star_n;
        } else {
            return false;
        }
    }
    return true;
}

}  // namespace

std::expected<deny_pattern, std::string> deny_pattern::parse(const std::string& text) {
    const auto bad = [&](const char* why) {
        return std::unexpected(fmt::format("the pattern {} in `deny` {}", text, why));
    };
    if (text.starts_with('~')) return bad("begins with ~: write the whole path.");
    if (text.find('\0') != std::string::npos) return bad("has a NUL character.");
    deny_pattern out;
    out.text_ = text;
    out.components_ = components_of(text);
    if (out.components_.empty()) return bad("would close every directory: empty `roots` does that.");
    if (out.components_.size() > components_max) return bad("has too many parts.");
    if (std::ranges::any_of(out.components_, [](const auto& c) { return c == "." || c == ".."; }))
        return bad("has a part . or .. in it: write the path without them.");
    const bool absolute = text.starts_with('/');
    if (absolute && text.find_first_of("*?[\\") == std::string::npos) {
        std::error_code absent;
        out.real_ = fs::canonical(text, absent);
    }
    if (!absolute && out.components_.front() != "**") out.components_.insert(out.components_.begin(), "**");
    return out;
}

bool deny_pattern::matches(const fs::path& path) const {
    const auto parts = components_of(path);
    if (match_parent(components_, parts)) return true;
    if (real_.empty()) return false;
    const auto real = components_of(real_);
    return real.size() <= parts.size() && std::equal(real.begin(), real.end(), parts.begin());
}

}  // namespace agent
