// What both drivers' migrate() do inside their transaction. A schema that is too new throws db::failure.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "common/db/database.hpp"

namespace common::db {

// `script` runs several statements, without parameters, in c's transaction.
void apply_migrations(connection& c, const std::function<void(std::string_view)>& script, std::string_view name,
                      std::span<const migration> migrations);

}  // namespace common::db
