// The hub's own keys: the same for all replicas, so they live in the database.
#include "common/crypto/ed25519_key.hpp"
#include "common/crypto/es256_key.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/sealer.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/rows.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::tenancy {

namespace {

using common::db::connection;

constexpr std::string_view signing = "signing";
constexpr std::string_view sealing = "sealing";
constexpr std::string_view id_token = "id_token";

std::vector<std::string> get(connection& c, std::string_view kind) {
    std::vector<std::string> newest_first;
    for (const auto& r : c.query("SELECT material FROM hub_keys WHERE kind = CAST(:kind AS TEXT) ORDER BY id DESC",
                                 {{"kind", text(kind)}}))
        newest_first.push_back(r.bytes("material"));
    return newest_first;
}

void insert(connection& c, std::string_view kind, const std::string& material, std::int64_t now) {
    c.execute(
        "INSERT INTO hub_keys (kind, material, created_at) VALUES (CAST(:kind AS TEXT), "
        "CAST(:material AS BLOB), CAST(:now AS INTEGER))",
        {{"kind", text(kind)}, {"material", bytes(material)}, {"now", now}});
}

}  // namespace

hub_keys get_or_insert_keys(connection& c, std::int64_t now) {
    auto signing_keys = get(c, signing);
    if (signing_keys.empty()) {
        signing_keys.push_back(common::crypto::ed25519_key::generate().to_pem());
        insert(c, signing, signing_keys.front(), now);
    }
    auto sealing_keys = get(c, sealing);
    if (sealing_keys.empty()) {
        sealing_keys.push_back(common::crypto::random_bytes(common::crypto::sealer::key_size));
        insert(c, sealing, sealing_keys.front(), now);
    }
    auto id_token_keys = get(c, id_token);
    if (id_token_keys.empty()) {
        id_token_keys.push_back(common::crypto::es256_key::generate().to_pem());
        insert(c, id_token, id_token_keys.front(), now);
    }
    return {std::move(signing_keys.front()), std::move(sealing_keys), std::move(id_token_keys.front())};
}

result<hub_keys> store::load_or_create_keys() {
    return in_transaction(db_, [&](connection& c) -> result<hub_keys> { return get_or_insert_keys(c, now_()); });
}

}  // namespace hub::tenancy
