#include <algorithm>

#include "tests/hub/tenancy/store_test.hpp"

namespace hub::tenancy {
namespace {

class machines : public store_test {};

TEST_P(machines, another_workspaces_machine_looks_exactly_like_none) {
    const auto mine = enrolled('a', "Box");
    const auto other = other_workspace();
    const auto absent = accounts_->get_machine(workspace_, "m_absent");
    for (const auto& refused : {accounts_->get_machine(other, mine.id), accounts_->find_machine(other, mine.id),
                                accounts_->find_machine(other, "Box")}) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, absent.error().code);
        EXPECT_EQ(refused.error().message, absent.error().message);
    }
    EXPECT_EQ(accounts_->rename_machine(other, mine.id, "Stolen", "user:x").error().code, errc::not_found);
    EXPECT_EQ(accounts_->revoke_machine(other, mine.id, "user:x").error().code, errc::not_found);
    EXPECT_TRUE(accounts_->list_machines(other)->empty());
    EXPECT_EQ(accounts_->get_machine_for_link(mine.id)->workspace_id, workspace_);
    EXPECT_EQ(accounts_->get_machine(workspace_, mine.id)->name, "Box");
}

TEST_P(machines, are_found_by_id_and_by_name_whatever_the_case) {
    const auto m = enrolled('a', "Build Box");
    EXPECT_EQ(accounts_->find_machine(workspace_, m.id)->id, m.id);
    EXPECT_EQ(accounts_->find_machine(workspace_, "bUILD bOX")->id, m.id);
    for (const std::string name : {"", "build", "Build Box ", "' OR 1=1 --", "\xff", "%"})
        EXPECT_EQ(accounts_->find_machine(workspace_, name).error().code, errc::not_found) << name;
    EXPECT_EQ(accounts_->find_machine(workspace_, std::string(100'000, 'x')).error().code, errc::not_found);
    EXPECT_EQ(accounts_->get_machine(workspace_, std::string("m_\0", 3)).error().code, errc::not_found);
}

TEST_P(machines, an_id_beats_another_machines_name) {
    const auto victim = enrolled('a', "victim");
    enrolled('b', victim.id);
    EXPECT_EQ(accounts_->find_machine(workspace_, victim.id)->id, victim.id);
}

TEST_P(machines, are_renamed_to_free_names) {
    const auto a = enrolled('a', "one");
    enrolled('b', "two");
    EXPECT_EQ(accounts_->rename_machine(workspace_, a.id, "TWO", "user:x").error().code, errc::already_exists);
    EXPECT_EQ(accounts_->rename_machine(workspace_, a.id, "", "user:x").error().code, errc::invalid);
    EXPECT_TRUE(accounts_->rename_machine(workspace_, a.id, "ONE", "user:x"));
    EXPECT_EQ(accounts_->find_machine(workspace_, "one")->name, "ONE");
}

TEST_P(machines, that_are_revoked_free_their_name_and_stay_listed) {
    const auto a = enrolled('a', "box");
    ASSERT_TRUE(accounts_->revoke_machine(workspace_, a.id, "user:" + owner_));
    ASSERT_TRUE(accounts_->revoke_machine(workspace_, a.id, "user:" + owner_));
    EXPECT_EQ(accounts_->rename_machine(workspace_, a.id, "x", "user:x").error().code, errc::revoked);
    const auto b = enrolled('b', "box");
    EXPECT_EQ(accounts_->find_machine(workspace_, "box")->id, b.id);
    EXPECT_EQ(accounts_->list_machines(workspace_)->size(), 2U);
    EXPECT_EQ(std::ranges::count(audited(workspace_), "machine.revoked ok"), 1);
}

TEST_P(machines, a_database_that_is_gone_is_unavailable_not_absent) {
    if (GetParam() == tests::dialect::sqlite) {
        const auto holder = connect();
        const auto impatient = connect({.busy_timeout_ms = 1});
        store other(*impatient);
        (void)holder->transaction([&](common::db::connection&) {
            EXPECT_EQ(other.get_machine(workspace_, "m_x").error().code, errc::unavailable);
        });
    } else {
        tests::shared_postgres().stop();
        EXPECT_EQ(accounts_->get_machine(workspace_, "m_x").error().code, errc::unavailable);
        ASSERT_FALSE(tests::shared_postgres().start());
        EXPECT_EQ(accounts_->get_machine(workspace_, "m_x").error().code, errc::not_found);
    }
}

CODEZ_ON_BOTH_DATABASES(machines);

}  // namespace
}  // namespace hub::tenancy
