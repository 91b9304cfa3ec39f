#include "agent/cli/key.hpp"

#include <chrono>
#include <ostream>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/direct/api_keys.hpp"

namespace agent::cli {

using nlohmann::json;

namespace {

std::int64_t unix_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

int fails(std::ostream& err, const std::string& why) {
    err << "codez: " << why << '\n';
    return 1;
}

std::string day_of(std::int64_t at_ms) {
    const std::chrono::sys_time<std::chrono::seconds> at{std::chrono::seconds(at_ms / 1000)};
    return fmt::format("{:%F}", at);
}

json json_of(const direct::api_key& key) {
    return {{"id", key.id},
            {"name", key.name},
            {"scopes", key.scopes},
            {"created_at", key.created_at},
            {"expires_at", key.expires_at}};
}

}  // namespace

int new_key(const key_config& config, std::ostream& out, std::ostream& err) {
    make_private_directories(config.files);
    const auto made = direct::add_key(config.files.api_keys(), {config.name, config.scopes, config.days}, unix_ms());
    if (!made) return fails(err, made.error());
    if (config.json) {
        auto shown = json_of(made->key);
        shown["key"] = made->secret;
        out << shown.dump(2) << '\n';
    } else {
        out << fmt::format("{}\n\nKey {} may {} until {}. It is not shown again.\n", made->secret, made->key.id,
                           fmt::join(made->key.scopes, " "), day_of(made->key.expires_at));
    }
    return 0;
}

int list_keys(const key_config& config, std::ostream& out, std::ostream& err) {
    const auto keys = direct::load_keys(config.files.api_keys());
    if (!keys) return fails(err, keys.error());
    json list = json::array();
    for (const auto& key : *keys) {
        list.push_back(json_of(key));
        if (!config.json)
            out << fmt::format("{}  {}  {}  {}  {}\n", key.id, day_of(key.created_at),
                               key.expires_at <= unix_ms() ? "expired   " : day_of(key.expires_at),
                               fmt::join(key.scopes, " "), key.name);
    }
    if (config.json) out << json{{"keys", std::move(list)}}.dump(2) << '\n';
    return 0;
}

int revoke_key(const key_config& config, std::ostream& out, std::ostream& err) {
    if (const auto done = direct::revoke_key(config.files.api_keys(), config.id); !done)
        return fails(err, done.error());
    if (config.json)
        out << json{{"revoked", config.id}}.dump() << '\n';
    else
        out << fmt::format("Key {} opens nothing any more.\n", config.id);
    return 0;
}

}  // namespace agent::cli
