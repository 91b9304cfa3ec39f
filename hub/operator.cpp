#include "hub/operator.hpp"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <iostream>
#include <optional>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/db/database.hpp"
#include "hub/operator_database.hpp"
#include "hub/people/store.hpp"
#include "hub/refuse.hpp"
#include "hub/tenancy/setup.hpp"
#include "hub/tenancy/store.hpp"

namespace hub {

namespace fs = std::filesystem;

namespace {

int print_made(const init_config& config, common::db::database& database,
               const tenancy::result<tenancy::setup_result>& made) {
    if (!made) return refuse(made.error().message);
    people::store people(database);
    const auto link = people.make_sign_in_link(made->owner.id, people::link_kind::owner, "hub");
    if (!link) return refuse(link.error().message);
    if (config.json) {
        std::cout << nlohmann::json{{"workspace_id", made->first_workspace.id},
                                    {"api_key", made->key.secret},
                                    {"join_token", made->join.secret},
                                    {"sign_in_link", link_url(config.public_url, link->secret)}}
                  << '\n';
    } else {
        std::cout << fmt::format(
            "Workspace \"{}\", owner \"{}\".\n\n"
            "API key, for MCP clients (shown once):\n  {}\n"
            "Join token, for the first machine (shown once, good for an hour):\n  {}\n"
            "Link, for the owner to sign in in a browser (once, good for 15 minutes{}):\n  {}\n",
            made->first_workspace.name, made->owner.name, made->key.secret, made->join.secret,
            config.public_url.empty() ? "; put the hub's URL before it" : "",
            link_url(config.public_url, link->secret));
    }
    return 0;
}

// Only members that say something.
nlohmann::json audit_json(const tenancy::audit_entry& e) {
    nlohmann::json out{{"at", e.at}, {"actor", e.actor}, {"action", e.action}, {"result", e.result}};
    for (const auto& [name, text] :
         {std::pair("subject", &e.subject), std::pair("machine", &e.machine_id), std::pair("session", &e.session_id),
          std::pair("arguments_hash", &e.arguments_hash), std::pair("rule", &e.rule)})
        if (!text->empty()) out[name] = *text;
    return out;
}

std::string audit_line(const tenancy::audit_entry& e) {
    const std::time_t seconds = e.at / 1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    std::string line = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}  {}  {}  {}", utc, e.actor, e.action, e.result);
    for (const auto& [name, text] : {std::pair("", &e.subject), std::pair("machine ", &e.machine_id),
                                     std::pair("session ", &e.session_id), std::pair("rule ", &e.rule)})
        if (!text->empty()) line += fmt::format("  {}{}", name, *text);
    return line;
}

tenancy::setup_options setup_options_of(const init_config& config) {
    tenancy::setup_options options;
    options.workspace_name = config.workspace;
    options.owner_name = config.owner;
    options.owner_email = config.email;
    return options;
}

bool has_email_or_none(const init_config& config) {
    if (config.email.empty() || people::is_email(config.email)) return true;
    refuse("--email must be of the form ada@example.com.");
    return false;
}

}  // namespace

int init(const init_config& config) {
    if (!has_email_or_none(config)) return 1;
    std::error_code ec;
    fs::create_directories(config.data, ec);
    if (!ec) fs::permissions(config.data, fs::perms::owner_all, ec);
    if (ec) return refuse(fmt::format("The data directory {} cannot be made: {}.", config.data.string(), ec.message()));
    const auto database = open_database(config.data, config.database, expect::new_hub);
    if (!database) return 1;
    return print_made(config, *database, tenancy::initialise(*database, setup_options_of(config)));
}

int make_workspace(const init_config& config) {
    if (!has_email_or_none(config)) return 1;
    const auto database = open_database(config.data, config.database, expect::existing_hub);
    if (!database) return 1;
    if (const auto migrated = tenancy::store(*database).migrate(); !migrated) return refuse(migrated.error().message);
    return print_made(config, *database, tenancy::add_workspace(*database, setup_options_of(config)));
}

int make_api_key(const credential_config& config) {
    const auto database = open_database(config.data, config.database, expect::existing_hub);
    if (!database) return 1;
    tenancy::store store(*database);
    const auto where = find_place(store, config.workspace);
    if (!where) return 1;
    tenancy::api_key_options options;
    options.workspace_id = where->workspace_id;
    options.user_id = where->owner_id;
    options.name = config.name;
    options.scopes = {"mcp:tools"};
    if (config.admin) options.scopes.insert(options.scopes.end(), {"machines:admin", "workspace:admin", "audit:read"});
    const auto made = store.create_api_key(options);
    if (!made) return refuse(made.error().message);
    if (config.json) {
        std::cout << nlohmann::json{{"api_key", made->secret}, {"id", made->id}} << '\n';
    } else {
        std::cout << made->secret << '\n';
    }
    return 0;
}

int make_join_token(const credential_config& config) {
    const auto database = open_database(config.data, config.database, expect::existing_hub);
    if (!database) return 1;
    tenancy::store store(*database);
    const auto where = find_place(store, config.workspace);
    if (!where) return 1;
    tenancy::join_token_options options;
    options.workspace_id = where->workspace_id;
    options.created_by = where->owner_id;
    options.machine_name = config.name;
    const auto made = store.create_join_token(options);
    if (!made) return refuse(made.error().message);
    if (config.json) {
        std::cout << nlohmann::json{{"join_token", made->secret}} << '\n';
    } else {
        std::cout << made->secret << '\n';
    }
    return 0;
}

int list(const credential_config& config) {
    const auto database = open_database(config.data, config.database, expect::existing_hub);
    if (!database) return 1;
    tenancy::store store(*database);
    const auto where = find_place(store, config.workspace);
    if (!where) return 1;
    const auto keys = store.list_api_keys(where->workspace_id);
    if (!keys) return refuse(keys.error().message);
    const auto machines = store.list_machines(where->workspace_id);
    if (!machines) return refuse(machines.error().message);
    if (config.json) {
        nlohmann::json out{{"api_keys", nlohmann::json::array()}, {"machines", nlohmann::json::array()}};
        for (const auto& k : *keys)
            out["api_keys"].push_back({{"id", k.id}, {"name", k.name}, {"revoked", k.revoked_at.has_value()}});
        for (const auto& m : *machines)
            out["machines"].push_back({{"id", m.id}, {"name", m.name}, {"state", tenancy::to_string(m.state)}});
        std::cout << out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
        return 0;
    }
    for (const auto& k : *keys)
        std::cout << fmt::format("API key  {}  {}{}\n", k.id, k.name, k.revoked_at ? "  (revoked)" : "");
    for (const auto& m : *machines)
        std::cout << fmt::format("machine  {}  {}  ({})\n", m.id, m.name, tenancy::to_string(m.state));
    return 0;
}

int revoke(const credential_config& config, const std::string& id) {
    const auto database = open_database(config.data, config.database, expect::existing_hub);
    if (!database) return 1;
    tenancy::store store(*database);
    const auto where = find_place(store, config.workspace);
    if (!where) return 1;
    const std::string actor = "user:" + where->owner_id;
    if (id.starts_with("k_")) {
        if (const auto done = store.revoke_api_key(where->workspace_id, id, actor); !done)
            return refuse(done.error().message);
    } else {
        const auto machine = store.find_machine(where->workspace_id, id);
        if (!machine) return refuse(machine.error().message);
        if (const auto done = store.revoke_machine(where->workspace_id, machine->id, actor); !done)
            return refuse(done.error().message);
    }
    if (config.json)
        std::cout << nlohmann::json{{"revoked", id}} << '\n';
    else
        std::cout << id << " is revoked.\n";
    return 0;
}

std::optional<std::int64_t> parse_since(const std::string& text, std::int64_t now_ms) {
    std::int64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [used, ec] = std::from_chars(text.data(), end, number);
    if (ec == std::errc() && used + 1 == end && number >= 0 && number <= 100'000) {
        const std::int64_t minutes = *used == 'm' ? 1 : *used == 'h' ? 60 : *used == 'd' ? 1440 : 0;
        if (minutes > 0) return now_ms - number * minutes * 60'000;
        return std::nullopt;
    }
    for (const char* format : {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"}) {
        std::tm utc{};
        const char* rest = ::strptime(text.c_str(), format, &utc);
        if (rest != nullptr && *rest == '\0') return static_cast<std::int64_t>(::timegm(&utc)) * 1000;
    }
    return std::nullopt;
}

int audit(const audit_config& config) {
    const auto database = open_database(config.where.data, config.where.database, expect::existing_hub);
    if (!database) return 1;
    tenancy::store store(*database);
    const auto where = find_place(store, config.where.workspace);
    if (!where) return 1;
    tenancy::audit_query query;
    query.since = config.since_ms;
    query.refused = config.refused;
    if (!config.machine.empty()) {
        const auto machine = store.find_machine(where->workspace_id, config.machine);
        if (!machine) return refuse(machine.error().message);
        query.machine_id = machine->id;
    }
    if (config.where.json) std::cout << "{\"entries\":[";
    bool first = true;
    for (;;) {
        const auto page = store.list_audit(where->workspace_id, query);
        if (!page) return refuse(page.error().message);
        for (const auto& e : *page) {
            if (config.where.json)
                std::cout << (first ? "" : ",\n") << audit_json(e).dump();
            else
                std::cout << audit_line(e) << '\n';
            first = false;
        }
        if (page->size() < static_cast<std::size_t>(query.limit)) break;
        query.before = page->back().id;
    }
    if (config.where.json) std::cout << "]}\n";
    return std::cout ? 0 : 1;
}

}  // namespace hub
