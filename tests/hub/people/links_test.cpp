// One-time links.
#include "tests/hub/people/people_test.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>

namespace hub::people {
namespace {

class links : public people_test {
protected:
    auto use(const std::string& secret, const introduction& who = {"", "", "h1"}) {
        return people_->use_link(hash(secret), who);
    }
};

TEST_P(links, let_in_once) {
    const auto secret = link(link_kind::owner);
    EXPECT_TRUE(secret.starts_with("czl_"));
    EXPECT_EQ(secret.size(), 44U);
    const auto found = people_->find_link(hash(secret));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, link_kind::owner);
    EXPECT_EQ(found->whose->user.id, owner_);
    EXPECT_TRUE(people_->find_link(hash(secret))) << "looking does not use it";
    const auto s = use(secret);
    ASSERT_TRUE(s) << s.error().log_text;
    EXPECT_EQ(s->user_id, owner_);
    EXPECT_TRUE(alive(*s));
    const auto again = use(secret, {"", "", "h2"});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, errc::not_found);
    EXPECT_EQ(people_->find_link(hash(secret)).error().message, again.error().message);
    EXPECT_EQ(people_->get_account(owner_)->password_hash, "h1");
    EXPECT_THAT(noted(), testing::ElementsAre("user:" + owner_ + " person.link_used " + owner_ + " owner",
                                              "hub person.link_made " + owner_ + " owner"));
}

TEST_P(links, unknown_and_old_ones_look_alike) {
    const auto secret = link();
    const auto unknown = use("czl_unknown").error();
    EXPECT_EQ(unknown.code, errc::not_found);
    now_ += sign_in_link_ms;
    EXPECT_EQ(use(secret).error().message, unknown.message);
    EXPECT_EQ(people_->find_link(hash(secret)).error().message, unknown.message);
    EXPECT_EQ(people_->make_sign_in_link("u_absent", link_kind::reset, "hub").error().code, errc::not_found);
}

TEST_P(links, a_reset_ends_sessions_and_other_links) {
    const auto before = settled("h1");
    const auto unused = link();
    const auto after = use(link(), {"", "", "h2"}).value();
    EXPECT_FALSE(alive(before));
    EXPECT_TRUE(alive(after));
    EXPECT_EQ(use(unused).error().code, errc::not_found);
    EXPECT_EQ(people_->get_account(owner_)->password_hash, "h2");
}

TEST_P(links, of_somebody_without_an_address_take_one) {
    const auto bob = accounts_->create_user("", "bob").value().id;
    const auto secret = people_->make_sign_in_link(bob, link_kind::owner, "hub").value().secret;
    EXPECT_EQ(use(secret).error().code, errc::invalid);
    EXPECT_EQ(use(secret, {"", "no address", "h1"}).error().code, errc::invalid);
    const auto taken = use(secret, {"", "ADA@example.org", "h1"});
    EXPECT_EQ(taken.error().code, errc::already_exists);
    EXPECT_NE(taken.error().message.find("another account"), std::string::npos);
    ASSERT_TRUE(use(secret, {"", "Bob@example.org", "h1"})) << "the link survived all of that";
    EXPECT_EQ(people_->find_account("bob@example.org")->user.id, bob);
}

TEST_P(links, an_address_that_is_there_stays) {
    ASSERT_TRUE(use(link(), {"Eve", "eve@example.org", "h1"}));
    const auto ada = people_->get_account(owner_)->user;
    EXPECT_EQ(ada.email, "ada@example.org");
    EXPECT_EQ(ada.name, "Ada");
}

TEST_P(links, an_invitation_makes_account_and_membership) {
    const auto secret = invitation("bob@example.org", tenancy::role::viewer);
    const auto found = people_->find_link(hash(secret)).value();
    EXPECT_EQ(found.kind, link_kind::invitation);
    EXPECT_FALSE(found.whose);
    EXPECT_EQ(found.email, "bob@example.org");
    EXPECT_EQ(found.workspace_name, "Acme");
    EXPECT_EQ(found.role, tenancy::role::viewer);
    EXPECT_EQ(use(secret, {" ", "", "h1"}).error().code, errc::invalid);
    const auto s = use(secret, {"Bob", "eve@example.org", "h1"});
    ASSERT_TRUE(s) << s.error().log_text;
    const auto bob = people_->find_account("bob@example.org").value();
    EXPECT_EQ(bob.user.id, s->user_id);
    EXPECT_EQ(bob.user.name, "Bob");
    EXPECT_EQ(people_->list_memberships(bob.user.id)->front().role, tenancy::role::viewer);
    EXPECT_FALSE(people_->find_account("eve@example.org"));
    EXPECT_EQ(use(secret, {"Bob", "", "h2"}).error().code, errc::not_found);
}

TEST_P(links, an_invitation_never_opens_an_account_that_exists) {
    settled("h1");
    const auto secret =
        people_->invite(other_workspace(), "Ada@example.org", tenancy::role::member, "hub").value().secret;
    EXPECT_EQ(people_->find_link(hash(secret))->whose->user.id, owner_);
    EXPECT_EQ(use(secret, {"Eve", "", "h2"}).error().code, errc::invalid);
    EXPECT_EQ(people_->get_account(owner_)->password_hash, "h1");
}

TEST_P(links, an_invitation_is_accepted_by_the_one_it_is_for) {
    const auto bob = use(invitation("bob@example.org"), {"Bob", "", "h1"}).value().user_id;
    const auto second = accounts_->create_workspace("Second").value().id;
    const auto secret = people_->invite(second, "bob@example.org", tenancy::role::admin, "hub").value().secret;
    EXPECT_EQ(people_->accept_invitation(hash(secret), owner_).error().code, errc::not_found);
    ASSERT_TRUE(people_->accept_invitation(hash(secret), bob));
    EXPECT_EQ(people_->list_memberships(bob)->size(), 2U);
    EXPECT_EQ(people_->accept_invitation(hash(secret), bob).error().code, errc::not_found);
    EXPECT_EQ(people_->accept_invitation(hash(link()), owner_).error().code, errc::not_found) << "no invitation";
}

TEST_P(links, an_invitation_lowers_nobody) {
    const auto secret = invitation("ada@example.org", tenancy::role::viewer);
    ASSERT_TRUE(people_->accept_invitation(hash(secret), owner_));
    EXPECT_EQ(people_->list_memberships(owner_)->front().role, tenancy::role::owner);
}

TEST_P(links, invitations_live_for_a_day_and_go_to_addresses) {
    EXPECT_EQ(people_->invite(workspace_, "nobody", tenancy::role::member, "hub").error().code, errc::invalid);
    EXPECT_EQ(people_->invite("w_absent", "a@b", tenancy::role::member, "hub").error().code, errc::not_found);
    const auto secret = invitation("bob@example.org");
    now_ += invitation_ms - 1;
    EXPECT_TRUE(people_->find_link(hash(secret)));
    ++now_;
    EXPECT_FALSE(people_->find_link(hash(secret)));
}

TEST_P(links, two_that_race_for_one_link) {
    const auto secret = link();
    std::atomic<int> won = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            const auto mine = connect({.busy_timeout_ms = 60'000});
            store people(*mine, [this] { return now_; });
            if (people.use_link(hash(secret), {"", "", "h1"})) ++won;
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(won, 1);
}

CODEZ_ON_BOTH_DATABASES(links);

}  // namespace
}  // namespace hub::people
