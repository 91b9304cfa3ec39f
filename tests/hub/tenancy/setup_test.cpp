#include "hub/tenancy/setup.hpp"

#include "common/crypto/digest.hpp"
#include "tests/common/db/database_test.hpp"

namespace hub::tenancy {
namespace {

class setup : public tests::database_test {
protected:
    static setup_options options() {
        setup_options o;
        o.workspace_name = "Acme";
        o.owner_name = "Ada";
        return o;
    }
};

TEST_P(setup, makes_a_hub_that_its_credentials_open) {
    const auto made = initialise(*db_, options());
    ASSERT_TRUE(made) << made.error().message << made.error().log_text;
    store accounts(*db_);
    const auto grant = accounts.find_api_key(common::crypto::sha256(made->key.secret));
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->key.scopes, std::vector<std::string>{"mcp:tools"});
    EXPECT_EQ(grant->key.workspace_id, made->first_workspace.id);
    EXPECT_EQ(grant->role, role::owner);
    EXPECT_EQ(accounts.find_owner(made->first_workspace.id)->id, made->owner.id);
    enrolment e;
    e.token_hash = common::crypto::sha256(made->join.secret);
    e.public_key = std::string(32, 'k');
    e.name = "box";
    EXPECT_TRUE(accounts.enroll(e));
}

TEST_P(setup, refuses_a_second_time_and_changes_nothing) {
    ASSERT_TRUE(initialise(*db_, options()));
    const auto again = initialise(*db_, options());
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, errc::already_exists);
    EXPECT_NE(again.error().message.find("codez-hub api-key"), std::string::npos);
    store accounts(*db_);
    const auto all = accounts.list_workspaces().value();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(accounts.list_api_keys(all.front().id)->size(), 1U);
}

TEST_P(setup, bad_names_change_nothing) {
    auto bad = options();
    bad.workspace_name = "";
    EXPECT_EQ(initialise(*db_, bad).error().code, errc::invalid);
    bad = options();
    bad.owner_name = "a\nb";
    EXPECT_EQ(initialise(*db_, bad).error().code, errc::invalid);
    EXPECT_TRUE(initialise(*db_, options()));
}

CODEZ_ON_BOTH_DATABASES(setup);

}  // namespace
}  // namespace hub::tenancy
