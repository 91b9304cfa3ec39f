#include <nlohmann/json.hpp>

#include "agent/events/permission_rows.hpp"
#include "agent/events/poll.hpp"
#include "agent/events/session_rows.hpp"
#include "tests/agent/events/log_fixture.hpp"

namespace agent::events::test {
namespace {

using common::db::connection;
using nlohmann::json;
using std::chrono::milliseconds;

class poll_test : public log_test {
protected:
    std::shared_ptr<std::optional<proto::result<poll_reply>>> start_poll(poll_request r) {
        return start(io_, poll(*log_, std::move(r)));
    }
    poll_reply ask(poll_request r) {
        auto got = await(poll(*log_, std::move(r)));
        EXPECT_TRUE(got) << got.error().message;
        return got ? std::move(*got) : poll_reply();
    }
    static poll_request request(std::string session, milliseconds timeout = milliseconds(0)) {
        poll_request r;
        r.session_id = std::move(session);
        r.timeout = timeout;
        return r;
    }
    // Lets everything that can go on without waiting go on.
    void settle() {
        io_.restart();
        io_.poll();
        run([](connection&) {});
        (void)await(log_->run_reading([](connection&) {}));
        io_.restart();
        io_.poll();
    }
    void ask_permission(const std::string& session, const std::string& request_id, bool with_event) {
        permission_row row;
        row.session_id = session;
        row.request_id = request_id;
        row.tool_name = "Bash";
        row.input = R"({"command":"ls"})";
        row.created_at = 7;
        batch b;
        if (with_event)
            b.events = {made(session, "channel.permission_request",
                             R"({"sessionId":")" + session + R"(","request":)" + request_json(row) + "}")};
        b.also = [row](connection& c, std::int64_t) { EXPECT_TRUE(insert_permission(c, row)); };
        EXPECT_TRUE(await(log_->append(std::move(b))));
    }
    static std::vector<std::string> types(const poll_reply& r) {
        std::vector<std::string> out;
        for (const auto& e : r.events) out.push_back(json::parse(e)["type"]);
        return out;
    }
};

using names = std::vector<std::string>;

TEST_F(poll_test, an_event_is_one_flat_object) {
    append({made("s", "session.idle", R"({"sessionId":"s","result":{"subtype":"success"}})")});
    const auto r = ask(request("s"));
    ASSERT_EQ(r.events.size(), 1u);
    const auto e = json::parse(r.events[0]);
    EXPECT_EQ(e["type"], "session.idle");
    EXPECT_EQ(e["seq"], 1);
    EXPECT_EQ(e["ordinal"], 0);
    EXPECT_EQ(e["session_id"], "s");
    EXPECT_EQ(e["sessionId"], "s");
    EXPECT_EQ(e["result"]["subtype"], "success");
    EXPECT_GT(e["at"], 1'500'000'000'000);
    EXPECT_EQ(r.next.log_id, log_->log_id());
    EXPECT_EQ(r.next.seq, 1);
    EXPECT_TRUE(r.next.live) << "a reader of one session has a place among the deltas too";
}

TEST_F(poll_test, with_a_cursor_each_event_comes_once_and_reading_waits) {
    append({made("s", "a"), made("t", "b")});
    poll_request r = request("s", std::chrono::seconds(30));
    r.from = position{log_->log_id(), 0, std::nullopt};
    auto reply = ask(r);
    EXPECT_EQ(types(reply), names{"a"});
    r.from = reply.next;
    const auto waiting = start_poll(r);
    settle();
    EXPECT_FALSE(*waiting);
    append({made("s", "c")});
    EXPECT_EQ(types(*finish(io_, waiting)), names{"c"});
}

TEST_F(poll_test, without_a_cursor_a_turn_that_was_over_before_is_seen_whole) {
    append({made("s", "session.created")});
    append({made("s", "message.created", "{}", true), made("s", "message.part.updated"), made("s", "session.idle")});
    append({made("s", "message.created", "{}", true), made("s", "message.part.completed"), made("x", "other"),
            made("s", "session.idle")});
    const auto r = ask(request("s", std::chrono::seconds(30)));
    EXPECT_EQ(types(r), (names{"message.created", "message.part.completed", "session.idle"}));
    EXPECT_FALSE(r.has_more);
}

TEST_F(poll_test, without_a_cursor_a_running_turn_is_waited_for_and_told_whole) {
    append({made("s", "message.created", "{}", true)});
    const auto waiting = start_poll(request("s", std::chrono::seconds(30)));
    for (int i = 0; i < 300; ++i) append({made("s", "message.part.updated")});
    settle();
    EXPECT_FALSE(*waiting);
    append({made("s", "session.idle")});
    const auto r = finish(io_, waiting);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->events.size(), 302u);
    EXPECT_EQ(json::parse(r->events.back())["type"], "session.idle");
    EXPECT_EQ(r->next.seq, 302);
}

TEST_F(poll_test, without_a_cursor_a_turn_that_needs_somebody_is_told_at_once) {
    append({made("s", "message.created", "{}", true)});
    auto waiting = start_poll(request("s", std::chrono::seconds(30)));
    settle();
    EXPECT_FALSE(*waiting);
    ask_permission("s", "r1", true);
    EXPECT_EQ(types(*finish(io_, waiting)), (names{"message.created", "channel.permission_request"}));

    // Answered: the turn goes on, and so does the waiting.
    append({made("s", "channel.permission_resolved", R"({"sessionId":"s","requestId":"r1"})")});
    waiting = start_poll(request("s", std::chrono::seconds(30)));
    settle();
    EXPECT_FALSE(*waiting);
    append({made("s", "session.error")});
    EXPECT_EQ(finish(io_, waiting)->events.size(), 4u);
}

TEST_F(poll_test, the_timeout_ends_the_waiting_for_a_running_turn) {
    append({made("s", "message.created", "{}", true)});
    EXPECT_EQ(types(ask(request("s", milliseconds(1)))), names{"message.created"});
    EXPECT_EQ(types(ask(request("s"))), names{"message.created"});
}

TEST_F(poll_test, a_fresh_reader_gets_the_requests_that_are_pending_since_before) {
    ask_permission("s", "old", true);
    ask_permission("t", "of another", true);
    append({made("s", "message.created", "{}", true)});
    ask_permission("s", "new", true);
    const auto r = ask(request("s"));
    ASSERT_EQ(types(r), (names{"channel.permission_request", "message.created", "channel.permission_request"}));
    const auto old = json::parse(r.events[0]);
    EXPECT_EQ(old["pending"], true);
    EXPECT_EQ(old["request"]["requestId"], "old");
    EXPECT_EQ(old["request"]["input"]["command"], "ls");
    EXPECT_EQ(json::parse(r.events[2])["request"]["requestId"], "new");
    EXPECT_FALSE(json::parse(r.events[2]).contains("pending"));

    poll_request again = request("s");
    again.from = r.next;
    EXPECT_TRUE(ask(again).events.empty());
}

TEST_F(poll_test, the_machine_is_told_from_a_minute_ago) {
    append({made("s", "long ago")});
    ask_permission("s", "waits", false);
    run([](connection& c) { c.execute("UPDATE events SET at_ms = at_ms - 61000"); });
    append({made("s", "a"), made("t", "b"), made("", "machine")});
    EXPECT_EQ(types(ask(request(""))), (names{"channel.permission_request", "a", "b", "machine"}));
}

TEST_F(poll_test, the_machine_is_told_when_no_session_is_busy) {
    run([](connection& c) {
        session_row row;
        row.id = "s";
        row.status = session_status::live;
        row.state = session_state::running;
        save_session(c, row);
    });
    append({made("s", "message.created", "{}", true)});
    const auto waiting = start_poll(request("", std::chrono::seconds(30)));
    settle();
    EXPECT_FALSE(*waiting);
    append({made("s", "message.part.completed")});
    append({made("s", "session.idle")});
    EXPECT_EQ(types(*finish(io_, waiting)), (names{"message.created", "message.part.completed", "session.idle"}));
}

TEST_F(poll_test, a_cursor_of_another_log_gets_a_gap_and_starts_afresh) {
    append({made("s", "first"), made("s", "message.created", "{}", true), made("s", "session.idle")});
    poll_request r = request("s", std::chrono::seconds(30));
    r.from = position{"another", 2, std::nullopt};
    auto reply = ask(r);
    EXPECT_EQ(types(reply), (names{"stream.gap", "message.created", "session.idle"}));
    EXPECT_EQ(json::parse(reply.events[0])["session_id"], "s");
    EXPECT_NE(json::parse(reply.events[0])["reason"], "");
    EXPECT_EQ(reply.next.log_id, log_->log_id());

    r.session_id.clear();
    r.from = position{log_->log_id(), 99, std::nullopt};
    EXPECT_EQ(types(ask(r)), (names{"stream.gap", "first", "message.created", "session.idle"}));
    r.limit = 2;
    reply = ask(r);
    EXPECT_EQ(types(reply), (names{"stream.gap", "first"}));
    EXPECT_TRUE(reply.has_more);
    r.from = reply.next;
    EXPECT_EQ(types(ask(r)), (names{"message.created", "session.idle"}));
}

TEST_F(poll_test, deltas_reach_who_has_a_position_for_them_once) {
    append({made("s", "message.created", "{}", true)});
    poll_request r = request("s", std::chrono::seconds(30));
    r.from = position{log_->log_id(), 1, 0};
    auto waiting = start_poll(r);
    settle();
    EXPECT_FALSE(*waiting);
    log_->push_ephemeral(made("s", "message.part.delta", R"({"partId":"p","delta":"he"})"));
    auto reply = finish(io_, waiting);
    ASSERT_EQ(types(*reply), names{"message.part.delta"});
    const auto e = json::parse(reply->events[0]);
    EXPECT_EQ(e["ephemeral"], true);
    EXPECT_EQ(e["seq"], 1);
    EXPECT_FALSE(e.contains("ordinal"));
    r.from = reply->next;
    waiting = start_poll(r);
    settle();
    EXPECT_FALSE(*waiting);
    append({made("s", "message.part.completed", R"({"part":{"id":"p"}})")});
    EXPECT_EQ(types(*finish(io_, waiting)), names{"message.part.completed"});
}

TEST_F(poll_test, who_starts_in_the_middle_of_a_part_gets_its_deltas_from_the_first_on) {
    append({made("s", "message.created", "{}", true)});
    log_->push_ephemeral(made("s", "message.part.delta", R"({"partId":"p","offset":0,"delta":"he"})"));
    append({made("t", "session.updated")});  // elsewhere; the reader's cursor moves over it
    log_->push_ephemeral(made("s", "message.part.delta", R"({"partId":"p","offset":2,"delta":"llo"})"));
    auto reply = ask(request("s", std::chrono::milliseconds(0)));
    EXPECT_EQ(types(reply), (names{"message.created", "message.part.delta", "message.part.delta"}));
    poll_request r = request("s", std::chrono::milliseconds(0));
    r.from = reply.next;
    EXPECT_EQ(types(ask(r)), names{});
}

}  // namespace
}  // namespace agent::events::test
