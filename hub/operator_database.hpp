// How an operator's command gets at the database and at a workspace in it. What fails is told on stderr.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/db/database.hpp"
#include "hub/tenancy/store.hpp"

namespace hub {

enum class expect { new_hub, existing_hub };

// Null: it cannot be opened, and that has been told.
std::unique_ptr<common::db::database> open_database(const std::filesystem::path& data, const std::string& database,
                                                    expect what);

// The workspace to make a credential in, with its owner.
struct place {
    std::string workspace_id;
    std::string owner_id;
};

// Of that name, or the only one. nullopt: there is none, and that has been told.
std::optional<place> find_place(tenancy::store& store, const std::string& name);

// What somebody opens in a browser; only a path if the hub's URL is not known.
std::string link_url(std::string_view public_url, std::string_view secret);

}  // namespace hub
