// The hub's tables.
#pragma once

#include <span>

#include "common/db/database.hpp"

namespace hub::tenancy {

std::span<const common::db::migration> schema();

}  // namespace hub::tenancy
