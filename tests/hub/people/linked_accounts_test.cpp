// Accounts elsewhere as ways in.
#include "hub/people/linked_accounts.hpp"

#include <gmock/gmock.h>

#include "hub/external/identities.hpp"
#include "hub/people/passkey_store.hpp"
#include "tests/hub/people/people_test.hpp"

namespace hub::people {
namespace {

using testing::ElementsAre;

class linked : public people_test {
protected:
    const std::string issuer_ = "https://sso.example";
    const std::vector<std::string> issuers_{issuer_};

    linked_accounts all() {
        return linked_accounts(*db_, [this] { return now_; });
    }
    outside_account at(const std::string& subject) { return {"company", issuer_, subject, now_ - 5}; }
    auto sign_in(const std::string& subject, const std::string& expected = {}) {
        return all().sign_in(at(subject), "", expected);
    }
    std::string linked_id() { return all().list(owner_)->front().id; }
    std::string person(const std::string& email) {
        return people_->use_link(hash(invitation(email)), {"Somebody", "", "h1"}).value().user_id;
    }
    auto use(const std::string& secret, const std::string& subject, const introduction& who = {}) {
        return people_->use_link(hash(secret), who, at(subject));
    }
};

TEST_P(linked, let_in_by_issuer_and_subject) {
    EXPECT_EQ(sign_in("alice").error().code, errc::not_found);
    ASSERT_TRUE(all().link(owner_, at("alice")));
    const auto s = sign_in("alice");
    ASSERT_TRUE(s) << s.error().log_text;
    EXPECT_EQ(s->user_id, owner_);
    const auto session = people_->find_session(hash(s->secret)).value();
    ASSERT_TRUE(session);
    EXPECT_EQ(session->authenticated_at, now_ - 5) << "what the provider said";
    EXPECT_FALSE(sign_in("ALICE"));
    EXPECT_FALSE(all().sign_in({"company", issuer_ + "/", "alice", now_}, "", ""));
    EXPECT_THAT(noted(), testing::Contains("user:" + owner_ + " person.signed_in " + owner_ + "/provider:company ok"));
    EXPECT_THAT(noted(), testing::Contains("hub person.sign_in_failed provider:company not_linked"));
}

TEST_P(linked, replace_the_session_before_and_prove_no_later_than_now) {
    ASSERT_TRUE(all().link(owner_, at("alice")));
    const auto first = sign_in("alice").value();
    const auto second = all().sign_in({"company", issuer_, "alice", now_ + 60'000}, hash(first.secret), owner_).value();
    EXPECT_FALSE(alive(first));
    EXPECT_EQ(people_->find_session(hash(second.secret)).value()->authenticated_at, now_);
}

TEST_P(linked, are_one_persons) {
    const auto bob = person("bob@example.org");
    ASSERT_TRUE(all().link(owner_, at("alice")));
    ASSERT_TRUE(all().link(owner_, at("alice"))) << "nothing new";
    EXPECT_EQ(all().list(owner_)->size(), 1U);
    EXPECT_EQ(all().link(bob, at("alice")).error().code, errc::key_conflict);
    EXPECT_EQ(sign_in("alice", bob).error().code, errc::key_conflict);
    EXPECT_TRUE(sign_in("alice", owner_));
    EXPECT_EQ(all().unlink(bob, linked_id(), issuers_).error().code, errc::not_found);
    EXPECT_EQ(all().link(bob, at(std::string("a\nb"))).error().code, errc::invalid);
    EXPECT_EQ(all().link(bob, at("")).error().code, errc::invalid);
}

TEST_P(linked, are_twenty_at_most) {
    for (int i = 0; i < linked_accounts_per_user_max; ++i) ASSERT_TRUE(all().link(owner_, at(std::to_string(i))));
    EXPECT_EQ(all().link(owner_, at("one more")).error().code, errc::invalid);
}

TEST_P(linked, the_last_way_in_stays) {
    ASSERT_TRUE(use(link(), "alice"));
    EXPECT_EQ(people_->get_account(owner_)->password_hash, "");
    EXPECT_EQ(all().unlink(owner_, linked_id(), issuers_).error().code, errc::invalid);
    passkey_store keys(*db_, [this] { return now_; });
    passkey key;
    key.id = "k";
    key.user_id = owner_;
    key.public_key = "der";
    key.name = "laptop";
    ASSERT_TRUE(keys.add(key));
    ASSERT_TRUE(all().unlink(owner_, linked_id(), issuers_));
    EXPECT_FALSE(sign_in("alice"));
    EXPECT_EQ(keys.remove(owner_, "k", issuers_).error().code, errc::invalid) << "now that is the last one";
    ASSERT_TRUE(all().link(owner_, at("alice")));
    EXPECT_EQ(keys.remove(owner_, "k", {}).error().code, errc::invalid) << "nobody signs in at that issuer";
    EXPECT_TRUE(keys.remove(owner_, "k", issuers_));
}

TEST_P(linked, an_account_accepts_an_invitation) {
    const auto secret = invitation("bob@example.org", tenancy::role::viewer);
    EXPECT_EQ(use(secret, "bob-there").error().code, errc::invalid) << "without a name";
    const auto s = use(secret, "bob-there", {"Bob", "", ""});
    ASSERT_TRUE(s) << s.error().message << s.error().log_text;
    EXPECT_EQ(people_->find_session(hash(s->secret)).value()->authenticated_at, now_ - 5);
    const auto bob = people_->find_account("bob@example.org").value();
    EXPECT_EQ(bob.user.name, "Bob");
    EXPECT_EQ(bob.password_hash, "");
    EXPECT_EQ(people_->list_memberships(bob.user.id)->front().role, tenancy::role::viewer);
    EXPECT_EQ(sign_in("bob-there")->user_id, bob.user.id);
    EXPECT_EQ(use(secret, "eve-there", {"Eve", "", ""}).error().code, errc::not_found) << "it is used up";
}

TEST_P(linked, an_account_of_somebody_accepts_no_invitation_of_another) {
    ASSERT_TRUE(all().link(owner_, at("alice")));
    const auto secret = invitation("bob@example.org");
    EXPECT_EQ(use(secret, "alice", {"Bob", "", ""}).error().code, errc::key_conflict);
    EXPECT_FALSE(people_->find_account("bob@example.org"));
    EXPECT_TRUE(people_->find_link(hash(secret))) << "and it is not used up";
}

TEST_P(linked, a_reset_ends_all_ways_in_but_those_of_the_operator) {
    settled("h1");
    external::identities operators(*db_, [this] { return now_; });
    ASSERT_TRUE(operators.link(issuer_, "by-operator", owner_));
    ASSERT_TRUE(all().link(owner_, at("by-intruder")));
    const auto before = sign_in("by-intruder").value();
    ASSERT_TRUE(use(link(), "alice"));
    EXPECT_FALSE(alive(before));
    EXPECT_FALSE(sign_in("by-intruder"));
    EXPECT_TRUE(sign_in("by-operator"));
    EXPECT_TRUE(sign_in("alice"));
    EXPECT_EQ(people_->get_account(owner_)->password_hash, "");
    ASSERT_TRUE(people_->use_link(hash(link()), {"", "", "h2"}));
    EXPECT_FALSE(sign_in("alice")) << "also with a password";
    ASSERT_TRUE(use(link(), "by-operator")) << "who is linked already";
    EXPECT_EQ(all().list(owner_)->size(), 1U);
}

CODEZ_ON_BOTH_DATABASES(linked);

}  // namespace
}  // namespace hub::people
