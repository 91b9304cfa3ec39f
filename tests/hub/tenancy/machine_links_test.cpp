#include <algorithm>
#include <limits>

#include <gmock/gmock.h>

#include "tests/hub/tenancy/store_test.hpp"

namespace hub::tenancy {
namespace {

using testing::Contains;
using testing::Not;

class machine_links : public store_test {
protected:
    void SetUp() override {
        store_test::SetUp();
        if (HasFatalFailure()) return;
        id_ = enrolled('a', "Box").id;
    }
    result<link_grant> link(std::int64_t presented, const std::string& log_id = "log1") {
        link_request request;
        request.machine_id = id_;
        request.presented_counter = presented;
        request.log_id = log_id;
        request.fields = {"0.3.0", "linux", "arm64", "moved"};
        return accounts_->begin_link(request);
    }
    machine stored() { return accounts_->get_machine(workspace_, id_).value(); }
    std::string id_;
};

TEST_P(machine_links, each_raises_counter_and_epoch) {
    const auto first = link(0);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->workspace_id, workspace_);
    EXPECT_EQ(first->name, "Box");
    EXPECT_EQ(first->epoch, 1);
    EXPECT_EQ(first->link_counter, 1);
    EXPECT_FALSE(first->counter_repeated);
    now_ += 5;
    const auto second = link(1);
    EXPECT_EQ(second->epoch, 2);
    EXPECT_EQ(second->link_counter, 2);
    EXPECT_EQ(stored().hostname, "moved");
    EXPECT_EQ(stored().version, "0.3.0");
    EXPECT_EQ(stored().last_seen_at, now_);
}

TEST_P(machine_links, lost_welcomes_are_no_copies) {
    ASSERT_TRUE(link(0));
    for (int i = 0; i < 3; ++i) {
        const auto again = link(0);
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->counter_repeated);
        EXPECT_EQ(again->link_counter, 1);
        EXPECT_EQ(again->epoch, 2 + i);
    }
    EXPECT_TRUE(link(1));
}

TEST_P(machine_links, an_older_counter_is_a_copy_and_stops_both) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(link(i));
    EXPECT_EQ(link(1).error().code, errc::key_conflict);
    EXPECT_EQ(stored().state, machine_state::quarantined);
    EXPECT_EQ(link(3).error().code, errc::quarantined);
    EXPECT_THAT(audited(workspace_), Contains("machine.quarantined key_conflict"));
}

TEST_P(machine_links, a_higher_counter_means_that_the_hub_was_restored) {
    const auto granted = link(7);
    ASSERT_TRUE(granted);
    EXPECT_EQ(granted->link_counter, 8);
    EXPECT_EQ(stored().link_counter, 8);
    EXPECT_THAT(audited(workspace_), Contains("machine.linked hub_restored"));
}

TEST_P(machine_links, an_ordinary_link_leaves_no_audit) {
    ASSERT_TRUE(link(0));
    EXPECT_THAT(audited(workspace_), Not(Contains("machine.linked hub_restored")));
}

TEST_P(machine_links, absurd_requests_are_refused) {
    EXPECT_EQ(link(-1).error().code, errc::invalid);
    EXPECT_EQ(link(std::numeric_limits<std::int64_t>::max()).error().code, errc::invalid);
    EXPECT_EQ(link(0, std::string(65, 'x')).error().code, errc::invalid);
    EXPECT_EQ(accounts_->begin_link({}).error().code, errc::not_found);
    EXPECT_EQ(stored().epoch, 0);
}

TEST_P(machine_links, revoked_machines_get_none) {
    ASSERT_TRUE(accounts_->revoke_machine(workspace_, id_, "user:" + owner_));
    EXPECT_EQ(link(0).error().code, errc::revoked);
}

TEST_P(machine_links, acknowledgements_only_go_forward) {
    const auto epoch = link(0)->epoch;
    EXPECT_TRUE(accounts_->note_ack(id_, epoch, 10));
    EXPECT_TRUE(accounts_->note_ack(id_, epoch, 4));
    EXPECT_EQ(stored().ack_seq, 10);
    EXPECT_EQ(link(1)->ack_seq, 10);
}

TEST_P(machine_links, another_log_starts_from_zero) {
    ASSERT_TRUE(accounts_->note_ack(id_, link(0, "log1")->epoch, 10));
    EXPECT_EQ(link(1, "log2")->ack_seq, 0);
    EXPECT_EQ(stored().log_id, "log2");
    EXPECT_EQ(stored().ack_seq, 0);
}

TEST_P(machine_links, an_older_link_is_fenced) {
    const auto old_epoch = link(0)->epoch;
    const auto epoch = link(1)->epoch;
    EXPECT_EQ(accounts_->note_ack(id_, old_epoch, 10).error().code, errc::fenced);
    EXPECT_EQ(accounts_->note_seen(id_, old_epoch).error().code, errc::fenced);
    EXPECT_EQ(stored().ack_seq, 0);
    now_ += 100;
    EXPECT_TRUE(accounts_->note_seen(id_, epoch));
    EXPECT_EQ(stored().last_seen_at, now_);
    EXPECT_EQ(accounts_->note_ack("m_absent", 1, 1).error().code, errc::not_found);
    EXPECT_EQ(accounts_->note_seen("m_absent", 1).error().code, errc::not_found);
}

TEST_P(machine_links, quarantine_is_entered_once_and_never_from_revoked) {
    EXPECT_TRUE(accounts_->quarantine_machine(id_));
    EXPECT_TRUE(accounts_->quarantine_machine(id_));
    EXPECT_EQ(std::ranges::count(audited(workspace_), "machine.quarantined key_conflict"), 1);
    ASSERT_TRUE(accounts_->revoke_machine(workspace_, id_, "user:" + owner_));
    EXPECT_TRUE(accounts_->quarantine_machine(id_));
    EXPECT_EQ(stored().state, machine_state::revoked);
    EXPECT_EQ(accounts_->quarantine_machine("m_absent").error().code, errc::not_found);
}

CODEZ_ON_BOTH_DATABASES(machine_links);

}  // namespace
}  // namespace hub::tenancy
