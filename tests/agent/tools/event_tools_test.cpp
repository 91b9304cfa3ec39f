#include "proto/cursor.hpp"
#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using proto::error_code;

class event_tools_test : public tools_test {
protected:
    event_tools_test() {
        engine_.add("s", project());
        engine_.add("t", project());
        append({events::test::made("s", "message.created", R"({"message":{"id":"m","parts":[]}})", true)});
    }
    json poll(const std::string& session, const json& cursor = nullptr) {
        json arguments{{"timeout_ms", 0}};
        if (!session.empty()) arguments["session_id"] = session;
        if (!cursor.is_null()) arguments["cursor"] = cursor;
        json page = value({"poll_events", arguments});
        std::string text;
        for (const auto& e : page["events"]) text += e.value("delta", e["type"].get<std::string>()) + " ";
        page["seen"] = text;
        return page;
    }
    void write(const std::string& delta, const std::string& session = "s") {
        log_->push_ephemeral(events::test::made(session, "message.part.delta", json{{"partId", "p"}, {"delta", delta}}.dump()));
    }
    std::string cursor(const std::string& machine, const std::string& log, std::int64_t seq) {
        return proto::encode_cursor({{{machine, log, seq, 0}}});
    }
};

TEST_F(event_tools_test, deltas_are_neither_lost_nor_doubled_between_polls) {
    write("a");
    auto page = poll("s", cursor("m_1", log_->log_id(), 0));
    EXPECT_EQ(page["seen"], "message.created a ");
    write("b");
    write("elsewhere", "t");
    append({events::test::made("t", "session.updated")});
    write("c");
    page = poll("s", page["next_cursor"]);
    EXPECT_EQ(page["seen"], "b c ");
    EXPECT_EQ(poll("s", page["next_cursor"])["seen"], "");
    // A page of one by one.
    const json arguments{{"session_id", "s"}, {"timeout_ms", 0}, {"limit", 1}, {"cursor", page["next_cursor"]}};
    write("d");
    append({events::test::made("s", "session.updated")});
    write("e");
    const auto first = value({"poll_events", arguments});
    EXPECT_EQ(first["events"][0]["delta"], "d");
    EXPECT_EQ(poll("s", first["next_cursor"])["seen"].get<std::string>().find("d "), std::string::npos);
}

TEST_F(event_tools_test, a_reader_of_everything_gets_no_deltas_and_keeps_its_place_among_them) {
    write("a");
    const auto of_one = poll("s");
    EXPECT_EQ(of_one["seen"], "message.created a ");
    const auto of_all = poll("", of_one["next_cursor"]);
    EXPECT_EQ(of_all["seen"], "");
    EXPECT_EQ(poll("s", of_all["next_cursor"])["seen"], "");
}

TEST_F(event_tools_test, cursors_are_of_this_machine_and_log) {
    EXPECT_EQ(code({"poll_events", {{"cursor", "nonsense"}}}), error_code::cursor_invalid);
    EXPECT_EQ(code({"poll_events", {{"cursor", cursor("m_2", log_->log_id(), 0)}}}), error_code::cursor_invalid);
    EXPECT_EQ(code({"poll_events", {{"session_id", "nobody"}}}), error_code::not_found);
    const auto gap = poll("s", cursor("m_1", "another log", 5));
    EXPECT_EQ(gap["events"][0]["type"], "stream.gap");
    EXPECT_EQ(poll("s", gap["next_cursor"])["seen"], "");
    // One that several machines share: this one's part counts.
    const auto shared = proto::encode_cursor({{{"m_0", "x", 9, 0}, {"m_1", log_->log_id(), 0, 0}}});
    EXPECT_EQ(poll("s", shared)["seen"], "message.created ");
}

TEST_F(event_tools_test, a_session_that_claude_left_has_no_events_yet) {
    leave_transcript("11111111-2222-4333-8444-555555555555", project(), {"hello"});
    const auto page = poll("11111111-2222-4333-8444-555555555555");
    EXPECT_EQ(page["events"], json::array());
    EXPECT_FALSE(page["next_cursor"].get<std::string>().empty());
}

}  // namespace
}  // namespace agent::tools::test
