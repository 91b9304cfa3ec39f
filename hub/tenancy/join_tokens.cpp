// Join tokens: "czj_…", each enrols one machine.
#include "common/crypto/digest.hpp"
#include "common/crypto/random.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/limits.hpp"

namespace hub::tenancy {

namespace {

using common::db::connection;

constexpr std::chrono::hours ttl_max{24};

}  // namespace

new_join_token insert_join_token(connection& c, const join_token_options& options, std::int64_t now) {
    const auto ttl_ms = std::chrono::milliseconds(options.ttl).count();
    new_join_token made{"czj_" + common::crypto::random_token(40), now + ttl_ms};
    c.execute(
        "INSERT INTO join_tokens (hash, workspace_id, created_by, machine_name, machine_id, created_at, expires_at) VALUES "
        "(CAST(:hash AS BLOB), CAST(:workspace AS TEXT), CAST(:user AS TEXT), CAST(:name AS TEXT), CAST(:machine AS TEXT), "
        "CAST(:now AS INTEGER), CAST(:expires AS INTEGER))",
        {{"hash", bytes(common::crypto::sha256(made.secret))},
         {"workspace", options.workspace_id},
         {"user", options.created_by},
         {"name", options.machine_name},
         {"machine", options.machine_id},
         {"now", now},
         {"expires", made.expires_at}});
    insert_audit(c,
                 {.workspace_id = options.workspace_id,
                  .actor = "user:" + options.created_by,
                  .action = "join_token.created",
                  .subject = "",
                  .result = "ok"},
                 now);
    return made;
}

result<new_join_token> store::create_join_token(const join_token_options& options) {
    if (options.ttl.count() <= 0 || options.ttl > ttl_max)
        return fail(errc::invalid, "A join token lives for a second at least and 24 hours at most.");
    if (!options.machine_name.empty() && !is_name(options.machine_name, proto::limits::name_bytes_max))
        return fail(errc::invalid, "The machine's name is too long or not plain text.");
    return in_transaction(db_, [&](connection& c) -> result<new_join_token> {
        if (!is_member(c, options.workspace_id, options.created_by))
            return fail(errc::not_found, "There is no such user in this workspace.");
        return insert_join_token(c, options, now_());
    });
}

}  // namespace hub::tenancy
