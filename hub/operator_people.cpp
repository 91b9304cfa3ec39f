#include "hub/operator_people.hpp"

#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hub/external/identities.hpp"
#include "hub/operator_database.hpp"
#include "hub/people/store.hpp"
#include "hub/refuse.hpp"

namespace hub {

namespace {

// Of the account with that address, or else of the workspace's owner.
std::optional<std::string> find_user(common::db::database& database, tenancy::store& store,
                                     const identity_config& config) {
    if (config.email.empty()) {
        const auto where = find_place(store, config.where.workspace);
        return where ? std::optional(where->owner_id) : std::nullopt;
    }
    const auto found = people::store(database).find_account(config.email);
    if (found) return found->user.id;
    refuse(found.error().message);
    return std::nullopt;
}

int print_link(const link_config& config, const tenancy::result<people::new_link>& made) {
    if (!made) return refuse(made.error().message);
    const std::string url = link_url(config.public_url, made->secret);
    if (config.where.json)
        std::cout << nlohmann::json{{"link", url}, {"expires_at", made->expires_at}} << '\n';
    else
        std::cout << url << '\n';
    return 0;
}

}  // namespace

int make_sign_in_link(const link_config& config) {
    const auto database = open_database(config.where.data, config.where.database, expect::existing_hub);
    if (!database) return 1;
    tenancy::store store(*database);
    if (const auto migrated = store.migrate(); !migrated) return refuse(migrated.error().message);
    people::store people(*database);
    if (!config.email.empty()) {
        const auto found = people.find_account(config.email);
        if (!found) return refuse(found.error().message);
        return print_link(config, people.make_sign_in_link(found->user.id, people::link_kind::reset, "hub"));
    }
    const auto where = find_place(store, config.where.workspace);
    if (!where) return 1;
    return print_link(config, people.make_sign_in_link(where->owner_id, people::link_kind::reset, "hub"));
}

int invite(const link_config& config) {
    const auto role = tenancy::parse_role(config.role);
    if (!role) return refuse("There is no such role. The roles are: viewer, member, admin, owner.");
    const auto database = open_database(config.where.data, config.where.database, expect::existing_hub);
    if (!database) return 1;
    tenancy::store store(*database);
    if (const auto migrated = store.migrate(); !migrated) return refuse(migrated.error().message);
    const auto where = find_place(store, config.where.workspace);
    if (!where) return 1;
    people::store people(*database);
    return print_link(config, people.invite(where->workspace_id, config.email, *role, "hub"));
}

int link_identity(const identity_config& config) {
    const auto database = open_database(config.where.data, config.where.database, expect::existing_hub);
    if (!database) return 1;
    tenancy::store store(*database);
    if (const auto migrated = store.migrate(); !migrated) return refuse(migrated.error().message);
    external::identities identities(*database);
    if (config.remove) {
        const auto removed = identities.unlink(config.issuer, config.subject);
        if (!removed) return refuse(removed.error().message);
        std::cout << (config.where.json ? "{}\n" : "The link is taken back.\n");
        return 0;
    }
    const auto user = find_user(*database, store, config);
    if (!user) return 1;
    const auto made = identities.link(config.issuer, config.subject, *user);
    if (!made) return refuse(made.error().message);
    if (config.where.json)
        std::cout << nlohmann::json{{"identity_id", *made}, {"user_id", *user}} << '\n';
    else
        std::cout << fmt::format("{} at {} is now the user {}.\n", config.subject, config.issuer, *user);
    return 0;
}

}  // namespace hub
