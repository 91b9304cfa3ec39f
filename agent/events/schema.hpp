// The tables of log.db, the machine's one durable store: events, sessions, prompts, permissions, journalled calls.
// A released migration never changes; what is new gets the next version.
#pragma once

#include <span>

#include "common/db/database.hpp"

namespace agent::events {

std::span<const common::db::migration> log_migrations();

}  // namespace agent::events
