// Statements about linked identities that several operations share. Only inside a transaction, on checked values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/db/database.hpp"

namespace hub::external {

struct identity_row {
    std::string id;  // "x_…"
    std::string user_id;
    std::string user_name;
};

// Why these cannot be an identity, as a sentence; nullopt: they can.
std::optional<std::string> find_identity_fault(std::string_view issuer, std::string_view subject);

std::optional<identity_row> query_identity(common::db::connection& c, std::string_view issuer,
                                           std::string_view subject);

enum class linked_by { operator_, person };
// The new link's id; audited. Nobody is linked with it before.
std::string insert_identity(common::db::connection& c, std::string_view issuer, std::string_view subject,
                            std::string_view user_id, linked_by who, std::int64_t now);
// Audited.
void end_identity(common::db::connection& c, const identity_row& which, linked_by who, std::int64_t now);
// Those that the person linked, or somebody in the person's place.
void end_persons_identities(common::db::connection& c, std::string_view user_id, std::int64_t now);

}  // namespace hub::external
