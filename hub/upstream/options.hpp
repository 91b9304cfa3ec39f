// With whose accounts people may sign in here: what the file of `serve --sign-in-providers` says. Parsing is pure; errors are
// sentences, without the file's text, which holds secrets.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hub::upstream {

inline constexpr std::size_t providers_max = 16;

enum class provider_kind {
    openid,  // OpenID Connect
    github,  // OAuth 2, and an API that says who it was
};

struct provider_options {
    std::string id;    // 1 to 32 of [a-z0-9-]: in the callback's URL
    std::string name;  // what people see
    provider_kind kind = provider_kind::openid;
    std::string issuer;  // of OpenID Connect, or the GitHub's URL: with the subject, who somebody is
    std::string client_id;
    std::string client_secret;
};

std::expected<std::vector<provider_options>, std::string> parse_providers(std::string_view json);

// The file must be its owner's alone, but for reading by its group.
std::expected<std::vector<provider_options>, std::string> read_providers(const std::filesystem::path& file);

// What is to be registered at the provider. `public_url` without a trailing slash.
inline constexpr std::string_view callback_path = "/sign-in/callback/";
std::string callback_url(std::string_view public_url, std::string_view provider_id);

}  // namespace hub::upstream
