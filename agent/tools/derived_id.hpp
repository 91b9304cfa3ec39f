// Ids that a repeated call arrives at again: made from who calls, for what, with which idempotency key. Pure.
#pragma once

#include <string>
#include <string_view>

#include "proto/principal.hpp"

namespace agent::tools {

// A UUID (version 8, RFC 9562 §5.8: its bits are a hash), or "" without a key: then a fresh one is to be made.
std::string id_from_key(const proto::principal& who, std::string_view purpose, std::string_view idempotency_key);

}  // namespace agent::tools
