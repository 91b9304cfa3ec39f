#include "agent/link/link_settings.hpp"

#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "agent/link/hub_url.hpp"
#include "agent/private_file.hpp"
#include "common/crypto/encoding.hpp"

namespace agent::link {

using nlohmann::json;

namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;

// A whole number from 0 on; the parser would take a negative one for a huge unsigned one.
std::int64_t count_of(const json& object, const char* name) {
    const auto& value = object.at(name);
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0)
        throw json::other_error::create(501, "not a count", nullptr);
    return value.get<std::int64_t>();
}

std::optional<link_settings> parse(const std::string& text) {
    const auto object = json::parse(text, nullptr, false);
    if (!object.is_object()) return std::nullopt;
    link_settings settings;
    try {
        object.at("hub_url").get_to(settings.hub_url);
        object.at("machine_id").get_to(settings.machine_id);
        object.at("machine_name").get_to(settings.machine_name);
        object.at("workspace_id").get_to(settings.workspace_id);
        object.at("ca_file").get_to(settings.ca_file);
        settings.link_counter = static_cast<std::uint64_t>(count_of(object, "link_counter"));
        settings.epoch = count_of(object, "epoch");
        for (const auto& [kid, encoded] : object.at("hub_keys").items()) {
            auto key = common::crypto::base64url_decode(encoded.get<std::string>());
            if (!key || key->size() != 32) return std::nullopt;
            settings.hub_keys.emplace(kid, std::move(*key));
        }
    } catch (const json::exception&) {
        return std::nullopt;
    }
    const bool whole = !settings.machine_id.empty() && !settings.workspace_id.empty() && !settings.hub_keys.empty();
    if (!whole || hub_origin(settings.hub_url, plain_http::anywhere) != settings.hub_url) return std::nullopt;
    return settings;
}

}  // namespace

std::expected<link_settings, std::string> load_link_settings(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in)
        return std::unexpected(fmt::format(
            "This machine is not enrolled: {} is not there or cannot be read. Run: codez setup --hub URL --join",
            file.string()));
    std::string text(file_bytes_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (auto settings = parse(text)) return std::move(*settings);
    return std::unexpected(
        fmt::format("{} is damaged. Remove it and enrol again: codez setup --hub URL --join", file.string()));
}

std::expected<void, std::string> save_link_settings(const std::filesystem::path& file, const link_settings& settings) {
    json keys = json::object();
    for (const auto& [kid, key] : settings.hub_keys) keys[kid] = common::crypto::base64url_encode(key);
    const json body{{"hub_url", settings.hub_url},
                    {"machine_id", settings.machine_id},
                    {"machine_name", settings.machine_name},
                    {"workspace_id", settings.workspace_id},
                    {"hub_keys", keys},
                    {"ca_file", settings.ca_file},
                    {"link_counter", settings.link_counter},
                    {"epoch", settings.epoch}};
    const std::string text = body.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
    return save_private_file(file, text);
}

std::expected<std::optional<enrolment>, std::string> load_enrolment(const paths& files) {
    if (!std::filesystem::exists(files.link_file())) return std::nullopt;
    auto settings = load_link_settings(files.link_file());
    if (!settings) return std::unexpected(std::move(settings.error()));
    auto key = common::crypto::ed25519_key::load(files.machine_key());
    if (!key) return std::unexpected(std::move(key.error()));
    return enrolment{std::move(*settings), std::move(*key)};
}

}  // namespace agent::link
