#include "agent/link/link_settings.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "common/crypto/encoding.hpp"

namespace agent::link {

using nlohmann::json;

std::expected<link_settings, std::string> load_link_settings(const std::filesystem::path& file) {
    std::ifstream in(file);
    if (!in)
        return std::unexpected(fmt::format("This machine is not enrolled: {} is not there. Run: codez setup --hub URL --join",
                                           file.string()));
    std::stringstream text;
    text << in.rdbuf();
    const auto damaged = [&] {
        return std::unexpected(fmt::format("{} is damaged. Remove it and enrol again: codez setup --hub URL --join", file.string()));
    };
    const auto parsed = json::parse(text.str(), nullptr, false);
    if (!parsed.is_object()) return damaged();
    link_settings settings;
    try {
        parsed.at("hub_url").get_to(settings.hub_url);
        parsed.at("machine_id").get_to(settings.machine_id);
        parsed.at("machine_name").get_to(settings.machine_name);
        parsed.at("workspace_id").get_to(settings.workspace_id);
        parsed.at("link_counter").get_to(settings.link_counter);
        parsed.at("epoch").get_to(settings.epoch);
        parsed.at("ca_file").get_to(settings.ca_file);
        for (const auto& [kid, encoded] : parsed.at("hub_keys").items()) {
            const auto key = common::crypto::base64url_decode(encoded.get<std::string>());
            if (!key || key->size() != 32) return damaged();
            settings.hub_keys.emplace(kid, *key);
        }
    } catch (const json::exception&) {
        return damaged();
    }
    return settings;
}

std::expected<void, std::string> save_link_settings(const std::filesystem::path& file, const link_settings& settings) {
    json keys = json::object();
    for (const auto& [kid, key] : settings.hub_keys) keys[kid] = common::crypto::base64url_encode(key);
    const json body{{"hub_url", settings.hub_url},           {"machine_id", settings.machine_id},
                    {"machine_name", settings.machine_name}, {"workspace_id", settings.workspace_id},
                    {"hub_keys", keys},                      {"ca_file", settings.ca_file},
                    {"link_counter", settings.link_counter}, {"epoch", settings.epoch}};
    const std::string text = body.dump(2) + "\n";

    auto temporary = file;
    temporary += ".new";
    const auto failed = [&](const char* what) {
        return std::unexpected(fmt::format("{} cannot be {}: {}.", temporary.string(), what, std::strerror(errno)));
    };
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failed("written");
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    ::close(fd);
    if (!written) return failed("written");
    if (::rename(temporary.c_str(), file.c_str()) != 0) return failed("put in place");
    const int dir = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        ::fsync(dir);
        ::close(dir);
    }
    return {};
}

}  // namespace agent::link
