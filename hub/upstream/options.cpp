#include "hub/upstream/options.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/auth/server_metadata.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::upstream {

namespace {

using nlohmann::json;

constexpr std::size_t file_bytes_max = 64 << 10;
constexpr std::size_t id_chars_max = 32;
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t secret_bytes_max = 4096;
constexpr std::array<std::string_view, 7> members{"id",  "preset",    "name",         "issuer",
                                                  "url", "client_id", "client_secret"};

std::unexpected<std::string> refuse(std::string why) { return std::unexpected(std::move(why)); }

bool is_id(std::string_view id) {
    return !id.empty() && id.size() <= id_chars_max &&
           id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::string text_of(const json& entry, const char* name) {
    const auto member = entry.find(name);
    return member == entry.end() ? std::string() : member->get<std::string>();
}

// An https origin, nothing behind it: paths of GitHub's are appended.
bool is_origin(std::string_view url) {
    return common::auth::is_issuer(url) && url.find('/', std::string_view("https://").size()) == std::string_view::npos;
}

std::expected<void, std::string> add_place(const json& entry, provider_options& to) {
    const std::string preset = text_of(entry, "preset");
    if (entry.contains("url") && preset != "github") return refuse("\"url\" is for the preset github only");
    if (!preset.empty() && entry.contains("issuer")) return refuse("a preset has its own issuer: leave \"issuer\" out");
    if (preset == "google") {
        to.issuer = "https://accounts.google.com";
        if (to.name.empty()) to.name = "Google";
    } else if (preset == "github") {
        to.kind = provider_kind::github;
        to.issuer = entry.contains("url") ? text_of(entry, "url") : "https://github.com";
        if (!is_origin(to.issuer)) return refuse("\"url\" must be like https://github.example.com, without a path");
        if (to.name.empty()) to.name = "GitHub";
    } else if (!preset.empty()) {
        return refuse("\"preset\" must be google or github");
    } else {
        to.issuer = text_of(entry, "issuer");
        if (!common::auth::is_issuer(to.issuer))
            return refuse("\"issuer\" must be the issuer's https URL, as its metadata spells it");
        if (to.name.empty()) return refuse("\"name\" is missing: what people see");
    }
    return {};
}

std::expected<provider_options, std::string> parse_one(const json& entry) {
    if (!entry.is_object()) return refuse("it is no JSON object");
    for (const auto& [name, value] : entry.items()) {
        if (std::ranges::find(members, name) == members.end())
            return refuse(
                "it has a member that is not known; the members are id, preset, name, issuer, url, client_id "
                "and client_secret");
        if (!value.is_string()) return refuse(fmt::format("\"{}\" is no text", name));
    }
    provider_options out;
    out.id = text_of(entry, "id");
    out.name = text_of(entry, "name");
    out.client_id = text_of(entry, "client_id");
    out.client_secret = text_of(entry, "client_secret");
    if (!is_id(out.id)) return refuse("\"id\" must be 1 to 32 of a-z, 0-9 and -");
    if (entry.contains("name") && !tenancy::is_name(out.name, name_bytes_max))
        return refuse("\"name\" must be plain text of at most 64 bytes");
    if (out.client_id.empty() || !tenancy::is_plain_text(out.client_id, secret_bytes_max))
        return refuse("\"client_id\" is missing or no plain text");
    if (out.client_secret.empty() || !tenancy::is_plain_text(out.client_secret, secret_bytes_max))
        return refuse("\"client_secret\" is missing or no plain text");
    if (auto placed = add_place(entry, out); !placed) return refuse(std::move(placed.error()));
    return out;
}

}  // namespace

std::expected<std::vector<provider_options>, std::string> parse_providers(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (!document.is_array() || document.empty()) return refuse("It must be a JSON array of providers.");
    if (document.size() > providers_max) return refuse("It has more than 16 providers.");
    std::vector<provider_options> all;
    for (const auto& entry : document) {
        auto one = parse_one(entry);
        if (!one) return refuse(fmt::format("Provider {}: {}.", all.size() + 1, one.error()));
        if (std::ranges::find(all, one->id, &provider_options::id) != all.end())
            return refuse(fmt::format("Two providers have the id {}.", one->id));
        // Their answers, and the people that they speak of, could not be told apart.
        if (std::ranges::find(all, one->issuer, &provider_options::issuer) != all.end())
            return refuse(fmt::format("Provider {} has the issuer of another one.", all.size() + 1));
        all.push_back(std::move(*one));
    }
    return all;
}

std::expected<std::vector<provider_options>, std::string> read_providers(const std::filesystem::path& file) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) return refuse("The file is not there, or cannot be read.");
    if (!S_ISREG(status.st_mode)) return refuse("It is no file.");
    if ((status.st_mode & (S_IWGRP | S_IRWXO)) != 0)
        return refuse("Others may read or change the file, which holds secrets: chmod 600 it.");
    std::ifstream in(file, std::ios::binary);
    std::string text(file_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad() || text.empty()) return refuse("The file is empty, or cannot be read.");
    if (text.size() > file_bytes_max) return refuse("The file is larger than 64 KiB.");
    return parse_providers(text);
}

std::string callback_url(std::string_view public_url, std::string_view provider_id) {
    return fmt::format("{}{}{}", public_url, callback_path, provider_id);
}

}  // namespace hub::upstream
