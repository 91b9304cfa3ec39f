#include "hub/relay/joined_answers.hpp"

#include <gtest/gtest.h>

namespace hub::relay {
namespace {

using nlohmann::json;

json session(const std::string& id, std::int64_t updated) { return {{"id", id}, {"updatedAt", updated}}; }

std::vector<std::string> ids_of(const json& list) {
    std::vector<std::string> out;
    for (const auto& item : list) out.push_back(item["id"]);
    return out;
}

TEST(joined_answers, members_of_the_wrong_type_are_absent) {
    const json odd{{"at", "7"}, {"ok", 1}, {"name", {}}, {"big", 1.5}};
    EXPECT_EQ(number_in(odd, "at"), 0);
    EXPECT_EQ(number_in(odd, "big"), 0);
    EXPECT_FALSE(flag_in(odd, "ok"));
    EXPECT_EQ(text_in(odd, "name"), "");
    EXPECT_EQ(text_in(odd, "none"), "");
    EXPECT_EQ(number_in({{"at", 7}}, "at"), 7);
}

TEST(joined_answers, items_name_their_machine_and_junk_is_left_out) {
    machine_answer a{"m_1", "box",
                     json{{"sessions", {{{"id", "s_1"}, {"machine", "m_forged"}}, 7, "x", nullptr, json::array()}}}};
    const auto items = items_of(a, "sessions");
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(items[0], (json{{"id", "s_1"}, {"machine", "m_1"}, {"machineName", "box"}}));
    for (const json& odd : {json::object(), json{{"sessions", 7}}, json{{"sessions", {{"id", "x"}}}}}) {
        machine_answer none{"m_1", "box", odd};
        EXPECT_TRUE(items_of(none, "sessions").empty());
    }
    machine_answer failed{"m_1", "box", std::unexpected(proto::error{})};
    EXPECT_TRUE(items_of(failed, "sessions").empty());
}

TEST(joined_answers, a_page_is_the_newest_of_all) {
    const auto page = join_sessions({session("a", 5), session("b", 9), session("c", 7)}, {}, 50);
    EXPECT_EQ(ids_of(page.sessions), (std::vector<std::string>{"b", "c", "a"}));
    EXPECT_TRUE(page.next_cursor.empty());
    const auto short_page = join_sessions({session("a", 5), session("b", 9), session("c", 7)}, {}, 2);
    EXPECT_EQ(ids_of(short_page.sessions), (std::vector<std::string>{"b", "c"}));
    EXPECT_EQ(short_page.next_cursor, "7:c");
    EXPECT_TRUE(join_sessions({}, {}, 50).next_cursor.empty());
}

TEST(joined_answers, equal_times_are_told_apart_by_id) {
    const auto page = join_sessions({session("a", 5), session("c", 5), session("b", 5)}, {}, 2);
    EXPECT_EQ(ids_of(page.sessions), (std::vector<std::string>{"c", "b"}));
    EXPECT_EQ(page.next_cursor, "5:b");
}

// A machine whose page ended at 8 may have one of 7, which belongs before the other's 6.
TEST(joined_answers, nothing_is_passed_over_behind_a_machines_page) {
    const auto page = join_sessions({session("a1", 9), session("a2", 8), session("b1", 6)}, {session("a2", 8)}, 50);
    EXPECT_EQ(ids_of(page.sessions), (std::vector<std::string>{"a1", "a2"}));
    EXPECT_EQ(page.next_cursor, "8:a2");
}

TEST(joined_answers, who_waited_longest_is_first) {
    std::vector<json> items{{{"requestId", "c"}, {"askedAt", 2}},
                            {{"requestId", "b"}, {"askedAt", 1}},
                            {{"requestId", "a"}, {"askedAt", 2}},
                            {{"requestId", 7}, {"askedAt", "never"}}};
    oldest_asked_first(items);
    EXPECT_EQ(items[0]["requestId"], 7);
    EXPECT_EQ(items[1]["requestId"], "b");
    EXPECT_EQ(items[2]["requestId"], "a");
    EXPECT_EQ(items[3]["requestId"], "c");
}

TEST(joined_answers, states_are_one_and_each_machines_own) {
    const json older{{"machineName", "b"},
                     {"updatedAt", 5},
                     {"markers", {{"s_1", {{{"id", "k"}}}}}},
                     {"preferences", {{"theme", "dark"}, {"only", 1}}},
                     {"recentCwds", {"/b", "/both"}}};
    const json newer{{"machineName", "a"},
                     {"updatedAt", 9},
                     {"markers", {{"s_2", json::array()}}},
                     {"preferences", {{"theme", "light"}}},
                     {"recentCwds", {"/both", "/a", 7}}};
    const json odd{{"machineName", "c"}, {"updatedAt", "x"}, {"markers", 7}, {"recentCwds", "y"}};
    const auto joined = join_states({newer, odd, older});
    EXPECT_EQ(joined["preferences"], (json{{"theme", "light"}, {"only", 1}}));
    EXPECT_EQ(joined["markers"].size(), 2U);
    EXPECT_EQ(joined["recentCwds"], (json{"/both", "/a", "/b"}));
    EXPECT_EQ(joined["machines"], (json{newer, older, odd}));
}

TEST(joined_answers, events_are_merged_by_time_and_never_turned_within_a_machine) {
    const auto e = [](const char* id, std::int64_t at) { return json{{"id", id}, {"at", at}}; };
    // The clock of the first machine was set back.
    const auto merged = merge_events({{e("a1", 10), e("a2", 3), e("a3", 12)}, {e("b1", 5), e("b2", 11)}, {}});
    EXPECT_EQ(ids_of(merged), (std::vector<std::string>{"b1", "a1", "a2", "b2", "a3"}));
    EXPECT_EQ(merge_events({}), json::array());
}

TEST(joined_answers, unreachable_machines_are_told_with_their_reason) {
    tenancy::machine one;
    one.id = "m_1";
    one.name = "box";
    one.last_seen_at = 5;
    tenancy::machine two;
    two.id = "m_2";
    const auto list =
        unreachable_json({one, two}, {{"m_1", proto::error_code::timeout}, {"m_9", proto::error_code::internal}});
    EXPECT_EQ(list, json::parse(R"([{"machine":"m_1","name":"box","reason":"timeout","lastSeenAt":5}])"));
}

}  // namespace
}  // namespace hub::relay
