// The scopes that clients may ask for, and what people read of them. Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hub::oauth {

enum class danger { reads, acts, administers };

struct scope_text {
    std::string_view name;
    danger kind;
    std::string_view meaning;  // "list sessions and read what was said in them"
};

inline constexpr std::string_view umbrella_scope = "mcp:tools";
inline constexpr std::string_view offline_scope = "offline_access";
inline constexpr std::string_view enroll_scope = "agent:enroll";

// Every scope that stands for something by itself: neither the umbrella nor those that are about tokens.
std::span<const scope_text> scope_texts();

// offline_access and those of OpenID Connect: they ask for a kind of token, and give no access to anything.
bool is_about_tokens(std::string_view scope);

// Space-separated (RFC 6749 §3.3), each once. Those that nobody knows are left out: an authorization server may ignore
// scopes, and says which it gave. nullopt if it is not of that form.
std::optional<std::vector<std::string>> parse_scopes(std::string_view text);

std::string join_scopes(const std::vector<std::string>& scopes);

// Answers permission requests or administers: only somebody who has just signed in may give that away.
bool is_dangerous(const std::vector<std::string>& scopes);

// Does every one of `some` lie within `all`? "mcp:tools" stands for what it covers.
bool are_within(const std::vector<std::string>& some, const std::vector<std::string>& all);

// With all that the umbrella covers named one by one instead of it.
std::vector<std::string> opened(const std::vector<std::string>& scopes);
// The other way round, where all of it is there.
std::vector<std::string> closed(std::vector<std::string> scopes);

}  // namespace hub::oauth
