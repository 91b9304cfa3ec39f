#include "agent/events/live_ring.hpp"

#include "tests/agent/events/log_fixture.hpp"

namespace agent::events::test {
namespace {

new_event delta(const std::string& session, const std::string& part, const std::string& text = "x") {
    return made(session, "message.part.delta", R"({"partId":")" + part + R"(","delta":")" + text + R"("})");
}

// The bodies' texts on a page that ends at `upto`.
std::size_t offered(const live_ring& ring, std::int64_t after_position, std::int64_t upto, std::int64_t after_seq = 0) {
    filter f = of_session("s");
    f.ephemeral_after = after_position;
    page p;
    p.next_seq = upto;
    ring.mix_into(p, f, after_seq);
    return p.events.size();
}

TEST(live_ring, offers_each_once_and_only_what_is_not_ahead_of_the_page) {
    live_ring ring(100);
    ring.push(delta("s", "p"), 5, 1);
    ring.push(delta("s", "p"), 7, 2);
    ring.push(delta("other", "p"), 5, 2);
    EXPECT_EQ(ring.last(), 103);
    EXPECT_EQ(offered(ring, 0, 7), 2u);
    EXPECT_EQ(offered(ring, 0, 6), 1u) << "the event before the second is not durable yet";
    EXPECT_EQ(offered(ring, 101, 7), 1u);
    EXPECT_EQ(offered(ring, 102, 7), 0u);
    EXPECT_EQ(offered(ring, 0, 9, 6), 1u) << "who is beyond seq 6 needs no delta from before it";
}

TEST(live_ring, mixes_by_seq_and_tells_where_to_go_on) {
    live_ring ring(0);
    ring.push(delta("s", "p", "a"), 5, 1);
    ring.push(delta("s", "p", "b"), 6, 1);
    ring.push(delta("s", "p", "c"), 8, 1);
    filter f = of_session("s");
    f.ephemeral_after = 0;
    page p;
    for (const std::int64_t seq : {5, 6}) {
        event e;
        e.seq = seq;
        p.events.push_back(e);
    }
    p.next_seq = 6;
    p.has_more = true;
    ring.mix_into(p, f, 4);
    ASSERT_EQ(p.events.size(), 4u);
    EXPECT_EQ(p.events[0].ordinal, 0);
    EXPECT_EQ(p.events[1].ordinal, -1);
    EXPECT_EQ(p.events[1].seq, 5);
    EXPECT_EQ(p.events[3].seq, 6);
    EXPECT_EQ(p.next_ephemeral, 2);
}

TEST(live_ring, forgets_parts_and_sessions) {
    live_ring ring(0);
    ring.push(delta("s", "p"), 1, 1);
    ring.push(delta("s", "q"), 1, 1);
    ring.push(delta("t", "p"), 1, 1);
    ring.forget_part("s", "p");
    EXPECT_EQ(offered(ring, 0, 1), 1u);
    ring.forget_part("unknown", "p");
    ring.forget_session("s");
    EXPECT_EQ(offered(ring, 0, 1), 0u);
    ring.forget_part("t", "p");
    EXPECT_EQ(ring.bytes(), 0u);
}

TEST(live_ring, is_bounded_per_session_and_in_all) {
    live_ring ring(0);
    for (int i = 0; i < 5000; ++i) ring.push(delta("s", "p"), 1, 1);
    EXPECT_EQ(offered(ring, 0, 1), 4096u);
    const std::string large(100'000, 'x');
    for (int i = 0; i < 30; ++i) ring.push(delta("s", "p", large), 1, 1);
    EXPECT_LE(ring.bytes(), 1u << 20);
    for (int session = 0; session < 40; ++session)
        for (int i = 0; i < 9; ++i) ring.push(delta(std::to_string(session), "p", large), 1, 1);
    EXPECT_LE(ring.bytes(), 16u << 20);
    EXPECT_EQ(offered(ring, 0, 1), 0u) << "the oldest went first";
    ring.push(delta("s", "p", std::string(2 << 20, 'x')), 1, 1);
    EXPECT_EQ(offered(ring, 0, 1), 0u) << "one that is too large by itself is not kept";
}

TEST(live_ring, bodies_that_are_no_json_do_no_harm) {
    live_ring ring(0);
    ring.push(made("s", "message.part.delta", "{\"partId\":7"), 1, 1);
    ring.push(made("s", "message.part.delta", ""), 1, 1);
    EXPECT_EQ(offered(ring, 0, 1), 2u);
}

}  // namespace
}  // namespace agent::events::test
