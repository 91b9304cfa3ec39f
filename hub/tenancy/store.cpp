#include "hub/tenancy/store.hpp"

#include <chrono>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/schema.hpp"

namespace hub::tenancy {

std::int64_t system_time_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

store::store(common::db::database& db, clock_function now) : db_(db), now_(std::move(now)) {}

result<void> store::migrate() {
    if (const auto e = db_.migrate("hub", schema())) {
        auto mapped = from_database(*e);
        // Here the database's own words are for the operator who starts the hub.
        if (mapped.code == errc::failed) mapped.message = e->message;
        return std::unexpected(std::move(mapped));
    }
    return {};
}

}  // namespace hub::tenancy
