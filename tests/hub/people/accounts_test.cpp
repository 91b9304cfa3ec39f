// Accounts, passwords, sessions.
#include "tests/hub/people/people_test.hpp"

#include <gmock/gmock.h>

namespace hub::people {
namespace {

class people : public people_test {};

TEST_P(people, are_found_by_address_whatever_the_case) {
    EXPECT_EQ(people_->find_account("ADA@Example.org")->user.id, owner_);
    EXPECT_EQ(people_->find_account("ada@example.org")->password_hash, "");
    EXPECT_EQ(people_->find_account("bob@example.org").error().code, errc::not_found);
    EXPECT_EQ(people_->find_account("").error().code, errc::not_found);
    settled("h1");
    EXPECT_EQ(people_->find_account("ada@example.org")->password_hash, "h1");
    EXPECT_EQ(people_->get_account(owner_)->password_hash, "h1");
    EXPECT_EQ(people_->get_account("u_absent").error().code, errc::not_found);
}

TEST_P(people, sign_in_only_with_the_password_that_is_theirs_still) {
    settled("h1");
    const auto made = people_->sign_in(owner_, "h1", "");
    ASSERT_TRUE(made) << made.error().log_text;
    EXPECT_EQ(made->secret.size(), 43U);
    EXPECT_EQ(people_->sign_in(owner_, "h0", "").error().code, errc::not_found);
    EXPECT_EQ(people_->sign_in("u_absent", "h1", "").error().code, errc::not_found);
    const auto found = people_->find_session(hash(made->secret)).value();
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->id.starts_with("b_"));
    EXPECT_EQ(found->user.id, owner_);
    EXPECT_EQ(found->user.name, "Ada");
    EXPECT_EQ(found->user.email, "ada@example.org");
    EXPECT_EQ(found->authenticated_at, now_);
    EXPECT_THAT(noted(), testing::Contains("user:" + owner_ + " person.signed_in " + owner_ + " ok"));
}

TEST_P(people, a_new_session_replaces_the_browsers_old_one_only) {
    const auto elsewhere = settled("h1");
    const auto first = people_->sign_in(owner_, "h1", "").value();
    const auto second = people_->sign_in(owner_, "h1", hash(first.secret)).value();
    EXPECT_NE(first.secret, second.secret);
    EXPECT_FALSE(alive(first));
    EXPECT_TRUE(alive(second));
    EXPECT_TRUE(alive(elsewhere));
}

TEST_P(people, sessions_end_when_idle_and_after_a_week) {
    const auto made = settled();
    now_ += session_idle_ms - 1;
    EXPECT_TRUE(alive(made));
    now_ += session_idle_ms;
    EXPECT_FALSE(alive(made));
    const auto used = people_->sign_in(owner_, "h1", "").value();
    const auto end = now_ + session_ms;
    while (now_ + 3'600'000 < end) {
        now_ += 3'600'000;
        ASSERT_TRUE(alive(used));
    }
    now_ = end;
    EXPECT_FALSE(alive(used));
}

TEST_P(people, sessions_are_ended_one_or_all) {
    const auto one = settled();
    const auto two = people_->sign_in(owner_, "h1", "").value();
    const auto three = people_->sign_in(owner_, "h1", "").value();
    ASSERT_TRUE(people_->end_session(hash(one.secret)));
    EXPECT_FALSE(alive(one));
    EXPECT_TRUE(alive(two));
    ASSERT_TRUE(people_->end_sessions(owner_));
    EXPECT_FALSE(alive(two));
    EXPECT_FALSE(alive(three));
    EXPECT_TRUE(people_->end_session(hash("unknown")));
}

TEST_P(people, nobody_has_more_than_32_sessions) {
    const auto first = settled();
    std::vector<new_session> all;
    for (int i = 0; i < 40; ++i) {
        ++now_;
        all.push_back(people_->sign_in(owner_, "h1", "").value());
    }
    EXPECT_FALSE(alive(first));
    int living = 0;
    for (const auto& s : all) living += alive(s) ? 1 : 0;
    EXPECT_EQ(living, 32);
    EXPECT_TRUE(alive(all.back()));
}

TEST_P(people, a_changed_password_ends_all_sessions) {
    const auto elsewhere = settled("h1");
    EXPECT_EQ(people_->change_password(owner_, "h0", "h2").error().code, errc::not_found);
    EXPECT_TRUE(alive(elsewhere));
    const auto here = people_->change_password(owner_, "h1", "h2");
    ASSERT_TRUE(here);
    EXPECT_TRUE(alive(*here));
    EXPECT_FALSE(alive(elsewhere));
    EXPECT_EQ(people_->get_account(owner_)->password_hash, "h2");
    EXPECT_FALSE(people_->sign_in(owner_, "h1", ""));
    EXPECT_THAT(noted(), testing::Contains("user:" + owner_ + " person.password_changed " + owner_ + " ok"));
}

TEST_P(people, failures_are_noted_without_the_address) {
    ASSERT_TRUE(people_->note_failed_sign_in(owner_));
    ASSERT_TRUE(people_->note_failed_sign_in(""));
    EXPECT_THAT(noted(), testing::ElementsAre("hub person.sign_in_failed  refused",
                                              "hub person.sign_in_failed " + owner_ + " refused"));
}

TEST_P(people, memberships_are_listed) {
    other_workspace();
    const auto all = people_->list_memberships(owner_).value();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].workspace_name, "Acme");
    EXPECT_EQ(all[0].role, tenancy::role::owner);
    EXPECT_EQ(all[1].workspace_name, "Other");
    EXPECT_TRUE(people_->list_memberships("u_absent")->empty());
}

TEST_P(people, no_secret_is_in_the_database) {
    const auto secret = link();
    const auto s = people_->use_link(hash(secret), {"", "", "h1"}).value();
    const auto everything = db_->transaction([](common::db::connection& c) {
        std::string all;
        for (const auto& r : c.query("SELECT hash, id, user_id FROM web_sessions"))
            all += r.bytes("hash") + r.text("id") + r.text("user_id");
        for (const auto& r : c.query("SELECT hash, kind, email FROM one_time_links"))
            all += r.bytes("hash") + r.text("kind") + r.text("email");
        for (const auto& r : c.query("SELECT actor, action, subject, result FROM audit"))
            all += r.text("actor") + r.text("action") + r.text("subject") + r.text("result");
        return all;
    });
    ASSERT_TRUE(everything);
    EXPECT_NE(everything->find(hash(s.secret)), std::string::npos);
    EXPECT_NE(everything->find(hash(secret)), std::string::npos);
    EXPECT_EQ(everything->find(s.secret), std::string::npos);
    EXPECT_EQ(everything->find(secret.substr(4)), std::string::npos);
}

TEST(email, has_one_at_and_something_on_both_sides) {
    for (const char* good : {"a@b", "ada@example.org", "zoë+x@例え.jp"}) EXPECT_TRUE(is_email(good)) << good;
    for (const char* bad : {"", "@", "a@", "@b", "a@b@c", "a b@c", "ab", "a@b\n", "a@\xff"})
        EXPECT_FALSE(is_email(bad)) << bad;
    EXPECT_FALSE(is_email(std::string(127, 'a') + "@b"));
}

CODEZ_ON_BOTH_DATABASES(people);

}  // namespace
}  // namespace hub::people
