#include "hub/operator_database.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hub/config.hpp"
#include "hub/refuse.hpp"

namespace hub {

std::unique_ptr<common::db::database> open_database(const std::filesystem::path& data, const std::string& database,
                                                    expect what) {
    if (what == expect::existing_hub && database.empty() && !std::filesystem::exists(data / "hub.db")) {
        refuse(fmt::format("There is no hub in {0}. Make one: codez-hub init --data {0}", data.string()));
        return nullptr;
    }
    auto opened = common::db::open(database_url(data, database));
    if (opened) return std::move(*opened);
    refuse("The database cannot be opened: " + opened.error().message);
    return nullptr;
}

std::optional<place> find_place(tenancy::store& store, const std::string& name) {
    auto all = store.list_workspaces();
    if (!all) {
        refuse(all.error().message);
        return std::nullopt;
    }
    if (!name.empty()) std::erase_if(*all, [&](const auto& w) { return w.name != name; });
    if (all->size() != 1) {
        refuse(all->empty() ? "There is no such workspace."
                            : "There are several workspaces: name one with --workspace.");
        return std::nullopt;
    }
    auto owner = store.find_owner(all->front().id);
    if (!owner) {
        refuse(owner.error().message);
        return std::nullopt;
    }
    return place{all->front().id, owner->id};
}

std::string link_url(std::string_view public_url, std::string_view secret) {
    while (public_url.ends_with('/')) public_url.remove_suffix(1);
    return fmt::format("{}/welcome?link={}", public_url, secret);
}

}  // namespace hub
