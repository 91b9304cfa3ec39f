// The hub stops: links are drained, and who comes then is sent away.
#include "hub/links/link_host.hpp"
#include "tests/hub/links/hub_fixture.hpp"

namespace hub::links {
namespace {

class link_ends : public tests::hub_fixture {
protected:
    void begin_drain(clock::time_point deadline) {
        boost::asio::co_spawn(context_, host().drain(deadline), [this](const std::exception_ptr& thrown) {
            EXPECT_FALSE(thrown);
            drained_ = true;
        });
    }
    static clock::time_point later() { return clock::now() + std::chrono::hours(1); }

    std::shared_ptr<remote_call> call(const tests::machine_identity& identity) {
        proto::call_header header;
        header.tool = "send_prompt";
        header.who = who();
        header.request_id = "req_1";
        return links_.find(identity.id)->call(header, "{}").value();
    }

    bool drained_ = false;
};

TEST_F(link_ends, idle_links_end_at_once_and_busy_ones_with_their_calls) {
    auto idle = enrol("idle");
    auto busy = enrol("busy");
    const auto idle_machine = link_up(idle);
    const auto busy_machine = link_up(busy);
    const auto open = call(busy);
    until([&] { return busy_machine->calls.size() == 1; });
    begin_drain(later());
    until([&] { return idle_machine->closed != 0; });
    EXPECT_EQ(idle_machine->closed, 4503);
    EXPECT_FALSE(drained_);
    busy_machine->result(busy_machine->calls.back().id, R"({"ok":true})");
    until([&] { return drained_; });
    EXPECT_EQ(busy_machine->closed, 4503);
    EXPECT_EQ(std::get<std::string>(**run(open->next())), R"({"ok":true})");
    EXPECT_TRUE(stored(busy).last_seen_at) << "what there was to write of the link is written";
}

TEST_F(link_ends, at_the_deadline_all_links_end) {
    auto identity = enrol("box");
    const auto machine = link_up(identity);
    const auto open = call(identity);
    begin_drain(clock::now());
    until([&] { return drained_; });
    EXPECT_EQ(machine->closed, 4503);
    const auto part = run(open->next());
    ASSERT_FALSE(part);
    EXPECT_TRUE(part.error().link_lost);
}

TEST_F(link_ends, strangers_and_newcomers_are_sent_away) {
    auto [hub_end, machine_end] = tests::fake_channel::pair(context_.get_executor());
    tests::fake_exchange stranger(link_request());
    stranger.channel = std::move(hub_end);
    bool ended = false;
    boost::asio::co_spawn(context_, host().handle(stranger), [&](const std::exception_ptr&) { ended = true; });
    settle();
    begin_drain(later());
    until([&] { return drained_ && ended; });
    EXPECT_EQ(run(machine_end->read()).error().code, 4503);
    EXPECT_EQ(dial_refused(link_request())->status, 503);
}

TEST_F(link_ends, a_program_may_end_with_everything_open) {
    auto identity = enrol("box");
    const auto machine = link_up(identity);
    const auto open = call(identity);
    bool resumed = false;
    boost::asio::co_spawn(context_, open->next(), [&](const std::exception_ptr&, const auto&) { resumed = true; });
    const auto other = enrol("other");
    const auto shaking_hands = dial(other);
    settle();
    pool_.stop();
    context_.abandon_handlers();
    EXPECT_FALSE(resumed);
}

}  // namespace
}  // namespace hub::links
