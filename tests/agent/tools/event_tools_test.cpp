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
        log_->push_ephemeral(
            events::test::made(session, "message.part.delta", json{{"partId", "p"}, {"delta", delta}}.dump()));
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

class get_events_test : public tools_test {
protected:
    get_events_test() {
        engine_.add("s", project());
        engine_.add("t", project());
        for (int i = 0; i < 6; ++i) {
            append({events::test::made("s", i % 3 == 2 ? "session.idle" : "message.created", json{{"n", i}}.dump())});
            append({events::test::made("t", "message.created")});
        }
    }
    json ordinals(const json& page) {
        json out = json::array();
        for (const auto& e : page["events"]) out.push_back(e["ordinal"]);
        return out;
    }
};

TEST_F(get_events_test, each_parameter_by_its_effect) {
    struct {
        json arguments;
        json ordinals;
        bool more;
    } const table[] = {
        {{}, {5, 4, 3, 2, 1, 0}, false},
        {{{"order", "oldest_first"}}, {0, 1, 2, 3, 4, 5}, false},
        {{{"limit", 2}}, {5, 4}, true},
        {{{"limit", 2}, {"order", "oldest_first"}}, {0, 1}, true},
        {{{"limit", 6}}, {5, 4, 3, 2, 1, 0}, false},
        {{{"from_ordinal", 3}}, {5, 4, 3}, false},
        {{{"to_ordinal", 1}}, {1, 0}, false},
        {{{"from_ordinal", 1}, {"to_ordinal", 3}, {"order", "oldest_first"}}, {1, 2, 3}, false},
        {{{"from_ordinal", 6}}, json::array(), false},
        {{{"types", {"session.idle"}}}, {5, 2}, false},
        {{{"types", {"session.idle", "message.created"}}, {"limit", 1}}, {5}, true},
        {{{"types", {"nothing.such"}}}, json::array(), false},
        {{{"machine", "laptop"}, {"limit", 1}}, {5}, true},
    };
    for (const auto& row : table) {
        json arguments = row.arguments.is_null() ? json::object() : row.arguments;
        arguments["session_id"] = "s";
        const auto page = value({"get_events", arguments});
        EXPECT_EQ(ordinals(page), row.ordinals) << arguments;
        EXPECT_EQ(page.contains("next_cursor"), row.more) << arguments;
        EXPECT_EQ(page["count"], 6) << arguments;
    }
}

TEST_F(get_events_test, pages_go_on_where_the_one_before_ended) {
    for (const char* order : {"newest_first", "oldest_first"}) {
        json seen = json::array();
        json arguments{{"session_id", "s"}, {"limit", 4}, {"order", order}};
        for (int pages = 0; pages < 5; ++pages) {
            const auto page = value({"get_events", arguments});
            for (const auto& ordinal : ordinals(page)) seen.push_back(ordinal);
            if (!page.contains("next_cursor")) break;
            arguments["cursor"] = page["next_cursor"];
        }
        EXPECT_EQ(seen, order == std::string("newest_first") ? json({5, 4, 3, 2, 1, 0}) : json({0, 1, 2, 3, 4, 5}));
    }
    // What has come since does not move a page that goes back.
    const auto first = value({"get_events", {{"session_id", "s"}, {"limit", 2}}});
    append({events::test::made("s", "session.updated")});
    EXPECT_EQ(ordinals(value({"get_events", {{"session_id", "s"}, {"limit", 2}, {"cursor", first["next_cursor"]}}})),
              json({3, 2}));
    restart();
    EXPECT_EQ(ordinals(value({"get_events", {{"session_id", "s"}, {"limit", 2}, {"cursor", first["next_cursor"]}}})),
              json({3, 2}));
}

TEST_F(get_events_test, an_event_is_as_poll_events_tells_it) {
    const json polled = value({"poll_events", {{"session_id", "s"}, {"timeout_ms", 0}}})["events"];
    EXPECT_EQ(value({"get_events", {{"session_id", "s"}, {"order", "oldest_first"}}})["events"], polled);
}

TEST_F(get_events_test, a_page_is_bounded_in_bytes_but_never_empty) {
    const std::string large(700 * 1024, 'x');
    for (int i = 0; i < 3; ++i) append({events::test::made("large", "message.created", json{{"text", large}}.dump())});
    engine_.add("large", project());
    const auto page = value({"get_events", {{"session_id", "large"}}});
    EXPECT_EQ(ordinals(page), json({2}));
    EXPECT_TRUE(page.contains("next_cursor"));
}

TEST_F(get_events_test, errors) {
    struct {
        json arguments;
        error_code code;
    } const table[] = {
        {{{"session_id", "nobody"}}, error_code::not_found},
        {json::object(), error_code::invalid_argument},
        {{{"session_id", "s"}, {"order", "sideways"}}, error_code::invalid_argument},
        {{{"session_id", "s"}, {"from_ordinal", 3}, {"to_ordinal", 2}}, error_code::invalid_argument},
        {{{"session_id", "s"}, {"from_ordinal", -1}}, error_code::invalid_argument},
        {{{"session_id", "s"}, {"limit", 0}}, error_code::invalid_argument},
        {{{"session_id", "s"}, {"limit", 1001}}, error_code::invalid_argument},
        {{{"session_id", "s"}, {"types", "session.idle"}}, error_code::invalid_argument},
        {{{"session_id", "s"}, {"cursor", "nonsense"}}, error_code::cursor_invalid},
        {{{"session_id", "s"}, {"cursor", "5"}}, error_code::cursor_invalid},
        {{{"session_id", "s"}, {"cursor", "-1:" + log_->log_id()}}, error_code::cursor_invalid},
        {{{"session_id", "s"}, {"cursor", "5:another-log"}}, error_code::cursor_invalid},
    };
    for (const auto& row : table) EXPECT_EQ(code({"get_events", row.arguments}), row.code) << row.arguments;
}

TEST_F(get_events_test, a_session_that_claude_left_has_none_yet) {
    leave_transcript("11111111-2222-4333-8444-555555555555", project(), {"hello"});
    const auto page = value({"get_events", {{"session_id", "11111111-2222-4333-8444-555555555555"}}});
    EXPECT_EQ(page["events"], json::array());
    EXPECT_EQ(page["count"], 0);
}

}  // namespace
}  // namespace agent::tools::test
