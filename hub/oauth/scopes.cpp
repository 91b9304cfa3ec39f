#include "hub/oauth/scopes.hpp"

#include <algorithm>
#include <array>

#include "hub/oauth/limits.hpp"
#include "proto/principal.hpp"

namespace hub::oauth {

namespace {

constexpr std::array<scope_text, 18> texts{{
    {"machines:read", danger::reads, "see the machines and whether they are online"},
    {"projects:read", danger::reads, "list the projects on them"},
    {"sessions:read", danger::reads, "list sessions and read what was said in them"},
    {"events:read", danger::reads, "follow what sessions do"},
    {"memory:read", danger::reads, "read Claude's memory files"},
    {"search:read", danger::reads, "search through past sessions"},
    {"state:read", danger::reads, "read stored state"},
    {"jobs:read", danger::reads, "see background jobs"},
    {"usage:read", danger::reads, "see tokens used and their cost"},
    {"health:read", danger::reads, "see the health of machines"},
    {"sessions:write", danger::acts, "create sessions and send prompts: Claude then works on the machines"},
    {"permissions:respond", danger::acts, "answer Claude's permission requests: programs then run on the machines"},
    {"state:write", danger::acts, "change stored state"},
    {"jobs:write", danger::acts, "start and end background jobs"},
    {"machines:admin", danger::administers, "rename and revoke machines"},
    {"workspace:admin", danger::administers, "manage members, keys and settings of the workspace"},
    {"audit:read", danger::administers, "read the audit"},
    {"agent:enroll", danger::administers, "add a machine"},
}};

bool is_known(std::string_view name) {
    return name == umbrella_scope || is_about_tokens(name) ||
           std::ranges::any_of(texts, [&](const auto& t) { return t.name == name; });
}

bool is_scope_token(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

proto::principal holder_of(const std::vector<std::string>& scopes) {
    proto::principal who;
    who.scopes = scopes;
    return who;
}

bool is_covered(std::string_view name) {
    static const proto::principal umbrella = holder_of({std::string(umbrella_scope)});
    return name != umbrella_scope && umbrella.has_scope(name);
}

}  // namespace

std::span<const scope_text> scope_texts() { return texts; }

bool is_about_tokens(std::string_view scope) {
    return scope == offline_scope || scope == "openid" || scope == "email" || scope == "profile";
}

std::optional<std::vector<std::string>> parse_scopes(std::string_view text) {
    if (text.size() > limits::scope_bytes_max) return std::nullopt;
    std::vector<std::string> scopes;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        const auto name = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!is_scope_token(name)) return std::nullopt;
        if (is_known(name) && std::ranges::find(scopes, name) == scopes.end()) scopes.emplace_back(name);
    }
    return scopes;
}

std::string join_scopes(const std::vector<std::string>& scopes) {
    std::string out;
    for (const auto& s : scopes) out += out.empty() ? s : ' ' + s;
    return out;
}

bool is_dangerous(const std::vector<std::string>& scopes) {
    const auto holder = holder_of(scopes);
    return std::ranges::any_of(texts, [&](const auto& t) {
        return (t.kind == danger::administers || t.name == "permissions:respond") && holder.has_scope(t.name);
    });
}

bool are_within(const std::vector<std::string>& some, const std::vector<std::string>& all) {
    const auto holder = holder_of(all);
    return std::ranges::all_of(some, [&](const auto& s) { return holder.has_scope(s); });
}

std::vector<std::string> opened(const std::vector<std::string>& scopes) {
    const auto holder = holder_of(scopes);
    std::vector<std::string> out;
    for (const auto& t : texts)
        if (holder.has_scope(t.name)) out.emplace_back(t.name);
    for (const auto& s : scopes)
        if (s != umbrella_scope && std::ranges::find(out, s) == out.end()) out.push_back(s);
    return out;
}

std::vector<std::string> closed(std::vector<std::string> scopes) {
    const bool whole = std::ranges::all_of(
        texts, [&](const auto& t) { return !is_covered(t.name) || std::ranges::find(scopes, t.name) != scopes.end(); });
    if (!whole) return scopes;
    std::erase_if(scopes, [](const auto& s) { return is_covered(s); });
    scopes.insert(scopes.begin(), std::string(umbrella_scope));
    return scopes;
}

}  // namespace hub::oauth
