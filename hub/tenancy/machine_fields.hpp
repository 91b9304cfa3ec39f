// Checks what a machine says of itself, before it is stored or shown.
#pragma once

#include <optional>

#include "hub/tenancy/records.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::tenancy {

std::optional<error> check(const machine_fields& fields);

}  // namespace hub::tenancy
