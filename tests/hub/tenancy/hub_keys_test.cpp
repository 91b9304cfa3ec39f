#include <thread>

#include "common/crypto/ed25519_key.hpp"
#include "common/crypto/es256_key.hpp"
#include "common/crypto/sealer.hpp"
#include "tests/hub/tenancy/store_test.hpp"

namespace hub::tenancy {
namespace {

class hub_keys_of_a_store : public store_test {};

TEST_P(hub_keys_of_a_store, are_made_once_and_usable) {
    const auto keys = accounts_->load_or_create_keys();
    ASSERT_TRUE(keys);
    EXPECT_TRUE(common::crypto::ed25519_key::from_pem(keys->signing_key_pem));
    EXPECT_TRUE(common::crypto::es256_key::from_pem(keys->id_token_key_pem));
    const common::crypto::sealer sealer(keys->sealing_keys);
    EXPECT_EQ(sealer.open(sealer.seal("x")), "x");
    const auto again = store(*connect()).load_or_create_keys();
    EXPECT_EQ(again->signing_key_pem, keys->signing_key_pem);
    EXPECT_EQ(again->sealing_keys, keys->sealing_keys);
    EXPECT_EQ(again->id_token_key_pem, keys->id_token_key_pem);
}

TEST_P(hub_keys_of_a_store, are_the_same_for_replicas_that_start_together) {
    std::vector<std::string> seen(4);
    std::vector<std::thread> threads;
    for (auto& pem : seen)
        threads.emplace_back([this, &pem] {
            const auto mine = connect({.busy_timeout_ms = 60'000});
            pem = store(*mine).load_or_create_keys().value().signing_key_pem;
        });
    for (auto& t : threads) t.join();
    for (const auto& pem : seen) EXPECT_EQ(pem, seen.front());
}

CODEZ_ON_BOTH_DATABASES(hub_keys_of_a_store);

}  // namespace
}  // namespace hub::tenancy
