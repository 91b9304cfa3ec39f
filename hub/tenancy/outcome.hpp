// From what the database reports to what this module's callers get.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "common/db/database.hpp"
#include "hub/tenancy/records.hpp"

namespace hub::tenancy {

error from_database(const common::db::db_error& e);

inline std::unexpected<error> fail(errc code, std::string message) {
    return std::unexpected(error{code, std::move(message), {}});
}

// Runs fn(connection&), which returns a result<T>, in one transaction. An error that fn returns does not roll back what it
// wrote before: fn checks first and writes then, or means it.
template <class F>
auto in_transaction(common::db::database& db, F&& fn) -> std::invoke_result_t<F&, common::db::connection&> {
    auto done = db.transaction(std::forward<F>(fn));
    if (!done) return std::unexpected(from_database(done.error()));
    return std::move(*done);
}

}  // namespace hub::tenancy
