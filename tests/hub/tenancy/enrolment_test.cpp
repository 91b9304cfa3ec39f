#include <atomic>
#include <thread>

#include "tests/hub/tenancy/store_test.hpp"

namespace hub::tenancy {
namespace {

class enrolments : public store_test {};

TEST_P(enrolments, a_token_and_a_key_become_a_machine) {
    const auto token = join_token(workspace_);
    EXPECT_TRUE(token.starts_with("czj_"));
    EXPECT_EQ(token.size(), 44U);
    const auto made = accounts_->enroll(request(token, 'a', "Build Box"));
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->id, machine_id_of(std::string(32, 'a')));
    EXPECT_EQ(made->id.size(), 2U + 24U);
    const auto stored = accounts_->get_machine(workspace_, made->id).value();
    EXPECT_EQ(stored.name, "Build Box");
    EXPECT_EQ(stored.public_key, std::string(32, 'a'));
    EXPECT_EQ(stored.state, machine_state::active);
    EXPECT_EQ(stored.hostname, "host-a");
    EXPECT_EQ(stored.arch, "x86_64");
    EXPECT_EQ(stored.created_at, start);
    EXPECT_EQ(stored.last_seen_at, std::nullopt);
    EXPECT_EQ(stored.link_counter, 0);
}

TEST_P(enrolments, a_token_works_for_one_machine) {
    const auto token = join_token(workspace_);
    ASSERT_TRUE(accounts_->enroll(request(token, 'a')));
    EXPECT_EQ(accounts_->enroll(request(token, 'b')).error().code, errc::token_used);
    EXPECT_EQ(accounts_->list_machines(workspace_)->size(), 1U);
}

TEST_P(enrolments, a_lost_reply_may_be_asked_for_again) {
    const auto token = join_token(workspace_);
    const auto first = accounts_->enroll(request(token, 'a')).value();
    const auto again = accounts_->enroll(request(token, 'a'));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->id, first.id);
    EXPECT_EQ(again->link_counter, first.link_counter);
    // But the used token brings nothing back from quarantine.
    ASSERT_TRUE(accounts_->quarantine_machine(first.id));
    EXPECT_EQ(accounts_->enroll(request(token, 'a')).error().code, errc::token_used);
}

TEST_P(enrolments, unknown_and_old_tokens_are_told_apart) {
    EXPECT_EQ(accounts_->enroll(request("czj_nonsense", 'a')).error().code, errc::token_unknown);
    const auto token = join_token(workspace_);
    now_ += 3'600'000;
    EXPECT_EQ(accounts_->enroll(request(token, 'a')).error().code, errc::token_expired);
    EXPECT_TRUE(accounts_->list_machines(workspace_)->empty());
}

TEST_P(enrolments, tokens_live_for_24_hours_at_most_and_belong_to_a_member) {
    join_token_options options;
    options.workspace_id = workspace_;
    options.created_by = owner_;
    options.ttl = std::chrono::hours(25);
    EXPECT_EQ(accounts_->create_join_token(options).error().code, errc::invalid);
    options.ttl = std::chrono::seconds(0);
    EXPECT_EQ(accounts_->create_join_token(options).error().code, errc::invalid);
    options.ttl = std::chrono::hours(24);
    EXPECT_EQ(accounts_->create_join_token(options)->expires_at, start + 86'400'000);
    options.created_by = "u_stranger";
    EXPECT_EQ(accounts_->create_join_token(options).error().code, errc::not_found);
    options.created_by = owner_;
    options.machine_name = "a\tb";
    EXPECT_EQ(accounts_->create_join_token(options).error().code, errc::invalid);
}

TEST_P(enrolments, the_tokens_name_wins_then_the_machines_then_its_host_name) {
    EXPECT_EQ(accounts_->enroll(request(join_token(workspace_, "from token"), 'a', "mine"))->name, "from token");
    EXPECT_EQ(accounts_->enroll(request(join_token(workspace_), 'b', "mine"))->name, "mine");
    EXPECT_EQ(accounts_->enroll(request(join_token(workspace_), 'c'))->name, "host-c");
}

TEST_P(enrolments, a_taken_name_is_refused_whatever_the_case_and_keeps_the_token) {
    enrolled('a', "Box");
    const auto token = join_token(workspace_);
    const auto taken = accounts_->enroll(request(token, 'b', "bOX"));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, errc::already_exists);
    EXPECT_NE(taken.error().message.find("--name"), std::string::npos);
    EXPECT_TRUE(accounts_->enroll(request(token, 'b', "box 2")));
    // In another workspace the name is free.
    EXPECT_TRUE(accounts_->enroll(request(join_token(other_workspace()), 'c', "Box")));
}

TEST_P(enrolments, the_same_key_updates_its_machine) {
    const auto first = enrolled('a', "Box");
    link_request link;
    link.machine_id = first.id;
    ASSERT_TRUE(accounts_->begin_link(link));
    auto again = request(join_token(workspace_), 'a');
    again.fields.version = "0.2.0";
    const auto updated = accounts_->enroll(again);
    ASSERT_TRUE(updated) << updated.error().message;
    EXPECT_EQ(updated->id, first.id);
    EXPECT_EQ(updated->name, "Box");
    EXPECT_EQ(accounts_->get_machine(workspace_, first.id)->version, "0.2.0");
    EXPECT_EQ(accounts_->list_machines(workspace_)->size(), 1U);
    EXPECT_EQ(accounts_->enroll(request(join_token(workspace_), 'a', "New name"))->name, "New name");
}

TEST_P(enrolments, a_new_token_ends_a_quarantine_and_shuts_the_copy_out) {
    const auto m = enrolled('a');
    link_request link;
    link.machine_id = m.id;
    for (int i = 0; i < 3; ++i) {
        link.presented_counter = i;
        ASSERT_TRUE(accounts_->begin_link(link));
    }
    ASSERT_TRUE(accounts_->quarantine_machine(m.id));
    const auto back = accounts_->enroll(request(join_token(workspace_), 'a')).value();
    EXPECT_EQ(back.state, machine_state::active);
    link.presented_counter = back.link_counter;
    ASSERT_TRUE(accounts_->begin_link(link));
    link.presented_counter = 3;  // what the copy has
    EXPECT_EQ(accounts_->begin_link(link).error().code, errc::key_conflict);
}

TEST_P(enrolments, a_key_that_was_revoked_or_lives_elsewhere_stays_out) {
    const auto m = enrolled('a');
    const auto elsewhere = other_workspace();
    EXPECT_EQ(accounts_->enroll(request(join_token(elsewhere), 'a')).error().code, errc::already_exists);
    ASSERT_TRUE(accounts_->revoke_machine(workspace_, m.id, "user:" + owner_));
    EXPECT_EQ(accounts_->enroll(request(join_token(workspace_), 'a')).error().code, errc::revoked);
    EXPECT_EQ(accounts_->get_machine(workspace_, m.id)->state, machine_state::revoked);
}

TEST_P(enrolments, malformed_requests_are_refused) {
    const auto token = join_token(workspace_);
    auto bad = request(token, 'a');
    bad.public_key = "short";
    EXPECT_EQ(accounts_->enroll(bad).error().code, errc::invalid);
    bad = request(token, 'a', std::string(129, 'x'));
    EXPECT_EQ(accounts_->enroll(bad).error().code, errc::invalid);
    bad = request(token, 'a');
    bad.fields.hostname = "";
    EXPECT_EQ(accounts_->enroll(bad).error().code, errc::invalid);  // no name at all
    bad = request(token, 'a');
    bad.fields.os = "li\x1b[31mnux";
    EXPECT_EQ(accounts_->enroll(bad).error().code, errc::invalid);
    EXPECT_TRUE(accounts_->enroll(request(token, 'a')));  // the token survived all of that
}

TEST_P(enrolments, two_machines_that_race_for_one_token) {
    const auto token = join_token(workspace_);
    std::atomic<int> won = 0;
    std::atomic<int> lost = 0;
    std::vector<std::thread> threads;
    for (const char key : {'a', 'b', 'c', 'd'})
        threads.emplace_back([&, key] {
            const auto mine = connect({.busy_timeout_ms = 60'000});
            const auto made = store(*mine, [] { return start; }).enroll(request(token, key));
            if (made) ++won;
            if (!made && made.error().code == errc::token_used) ++lost;
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(lost, 3);
}

CODEZ_ON_BOTH_DATABASES(enrolments);

}  // namespace
}  // namespace hub::tenancy
