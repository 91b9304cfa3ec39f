// What time does to links: heartbeats and patience on the timer wheel, and acknowledgements stored now and then.
#include "hub/links/link_host.hpp"
#include "proto/limits.hpp"
#include "tests/hub/links/hub_fixture.hpp"

namespace hub::links {
namespace {

using std::chrono::seconds;

class link_times : public tests::hub_fixture {
protected:
    void SetUp() override { identity_of_machine_ = enrol("box"); }

    void push(const std::shared_ptr<tests::fake_machine>& machine, std::int64_t seq, const std::string& event = "{}") {
        EXPECT_EQ(machine->link.send_event(seq, seq - 1, event), proto::agent_link::send_result::sent);
        machine->act();
        settle();
    }

    tests::machine_identity identity_of_machine_;
};

TEST_F(link_times, a_silent_link_lives_by_its_heartbeats) {
    const auto machine = link_up(identity_of_machine_);
    pass(seconds(600));
    EXPECT_EQ(machine->closed, 0);
    EXPECT_TRUE(links_.find(identity_of_machine_.id));
}

TEST_F(link_times, a_machine_that_has_gone_without_a_word_is_noticed) {
    const auto machine = link_up(identity_of_machine_);
    machine->channel->stop_taking();  // and so answers no ping
    pass(seconds(proto::limits::link_dead_ms / 1000 - 1));
    EXPECT_TRUE(links_.find(identity_of_machine_.id));
    pass(seconds(2));
    EXPECT_FALSE(links_.find(identity_of_machine_.id));
    until([&] { return machine->closed != 0; });
    EXPECT_EQ(machine->closed, 1001);
}

TEST_F(link_times, thousands_of_links_are_each_served_when_due) {
    std::vector<tests::machine_identity> identities;
    std::vector<std::shared_ptr<tests::fake_machine>> machines;
    for (int i = 0; i < 40; ++i) {
        identities.push_back(enrol("box" + std::to_string(i)));
        machines.push_back(link_up(identities.back()));
        pass(seconds(1));  // so that they are due at different times
    }
    for (std::size_t i = 0; i < machines.size(); i += 2) machines[i]->channel->stop_taking();
    pass(seconds(proto::limits::link_dead_ms / 1000 + 2));
    for (std::size_t i = 0; i < machines.size(); ++i)
        EXPECT_EQ(links_.find(identities[i].id) != nullptr, i % 2 == 1) << i;
}

TEST_F(link_times, who_does_not_finish_the_handshake_is_sent_away) {
    auto [hub_end, machine_end] = tests::fake_channel::pair(context_.get_executor());
    tests::fake_exchange exchange(link_request());
    exchange.channel = std::move(hub_end);
    bool ended = false;
    boost::asio::co_spawn(context_, host().handle(exchange), [&](const std::exception_ptr&) { ended = true; });
    settle();
    pass(seconds(proto::limits::handshake_ms_max / 1000 - 1));
    EXPECT_FALSE(ended);
    pass(seconds(2));
    until([&] { return ended; });
    const auto said = run(machine_end->read());
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().code, 4401);
}

TEST_F(link_times, events_are_acknowledged_at_once_and_stored_within_a_second) {
    const auto machine = link_up(identity_of_machine_);
    for (int seq = 1; seq <= 50; ++seq) push(machine, seq, R"({"type":"session.idle","session_id":"s_1"})");
    EXPECT_EQ(machine->acknowledged, 50);
    EXPECT_EQ(stored(identity_of_machine_).ack_seq, 0) << "not one write an event";
    EXPECT_EQ(sessions_.machines_with(workspace_, "s_1"), std::vector{identity_of_machine_.id});
    pass(seconds(2));
    until([&] { return stored(identity_of_machine_).ack_seq == 50; });
}

TEST_F(link_times, what_was_not_stored_yet_is_when_the_link_ends) {
    const auto machine = link_up(identity_of_machine_);
    push(machine, 7);
    machine->channel->cut();
    until([&] { return stored(identity_of_machine_).ack_seq == 7; });
    const auto again = link_up(identity_of_machine_);
    EXPECT_EQ(again->welcome->ack_seq, 7);
}

TEST_F(link_times, a_database_that_was_away_is_told_later) {
    const auto machine = link_up(identity_of_machine_);
    push(machine, 7);
    const auto other = common::db::open("sqlite://" + (directory_.path() / "hub.db").string()).value();
    (void)other->transaction([&](common::db::connection&) {
        pass(seconds(2));
        until([&] { return pool_.queued() == 0; });
    });
    until([&] {
        pass(seconds(1));
        return stored(identity_of_machine_).ack_seq == 7;
    });
    EXPECT_EQ(machine->closed, 0);
}

TEST_F(link_times, a_link_that_lost_to_one_at_another_hub_ends) {
    const auto machine = link_up(identity_of_machine_);
    tenancy::link_request elsewhere;
    elsewhere.machine_id = identity_of_machine_.id;
    elsewhere.presented_counter = static_cast<std::int64_t>(identity_of_machine_.link_counter);
    ASSERT_TRUE(store_->begin_link(elsewhere));
    push(machine, 1);
    pass(seconds(2));
    until([&] { return machine->closed != 0; });
    EXPECT_EQ(machine->closed, 4408);
}

TEST_F(link_times, events_are_read_for_their_session_and_nothing_else) {
    const auto machine = link_up(identity_of_machine_);
    const std::vector<std::string> odd{R"({"session_id":7})",
                                       R"({"session_id":""})",
                                       R"({"session_id":")" + std::string(100, 'x') + R"("})",
                                       R"({"other":{"session_id":"inner"}})",
                                       R"({})",
                                       R"({"session_id":null,"session_id2":"x"})"};
    std::int64_t seq = 0;
    for (const auto& event : odd) push(machine, ++seq, event);
    EXPECT_EQ(machine->closed, 0);
    EXPECT_TRUE(sessions_.machines_with(workspace_, "inner").empty());
    EXPECT_TRUE(sessions_.machines_with(workspace_, "").empty());
    EXPECT_EQ(machine->acknowledged, seq);
}

}  // namespace
}  // namespace hub::links
