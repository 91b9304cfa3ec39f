#include "hub/directory/sessions.hpp"

#include <gtest/gtest.h>

namespace hub::directory {
namespace {

using ids = std::vector<std::string>;

proto::sessions_snapshot snapshot(const ids& sessions, bool complete = true) {
    proto::sessions_snapshot out;
    out.complete = complete;
    for (const auto& id : sessions) out.sessions.emplace_back().id = id;
    return out;
}

std::string numbered(const std::string& prefix, std::size_t i) { return prefix + std::to_string(i); }

TEST(directory, knows_what_machines_told) {
    sessions d;
    d.replace("w_1", "m_1", snapshot({"s_1", "s_2"}), 1000);
    EXPECT_EQ(d.machines_with("w_1", "s_1"), ids{"m_1"});
    EXPECT_TRUE(d.machines_with("w_1", "s_9").empty());
    EXPECT_EQ(d.of("m_1").sessions.size(), 2U);
    EXPECT_EQ(d.of("m_1").as_of_ms, 1000);
    EXPECT_TRUE(d.of("m_9").sessions.empty());
}

TEST(directory, other_workspaces_see_nothing) {
    sessions d;
    d.replace("w_1", "m_1", snapshot({"s_1"}), 0);
    EXPECT_TRUE(d.machines_with("w_2", "s_1").empty());
}

TEST(directory, two_machines_may_claim_one_id) {
    sessions d;
    d.replace("w_1", "m_1", snapshot({"s_1"}), 0);
    d.replace("w_1", "m_2", snapshot({"s_1"}), 0);
    d.replace("w_2", "m_3", snapshot({"s_1"}), 0);
    EXPECT_EQ(d.machines_with("w_1", "s_1"), (ids{"m_1", "m_2"}));
}

TEST(directory, a_complete_snapshot_replaces_and_an_incomplete_one_adds) {
    sessions d;
    d.replace("w_1", "m_1", snapshot({"s_1"}), 0);
    d.note("w_1", "m_1", "s_2");
    d.replace("w_1", "m_1", snapshot({"s_3"}, false), 0);
    for (const char* id : {"s_1", "s_2", "s_3"}) EXPECT_EQ(d.machines_with("w_1", id), ids{"m_1"}) << id;
    d.replace("w_1", "m_1", snapshot({"s_4"}), 0);
    for (const char* id : {"s_1", "s_2", "s_3"}) EXPECT_TRUE(d.machines_with("w_1", id).empty()) << id;
    EXPECT_EQ(d.machines_with("w_1", "s_4"), ids{"m_1"});
}

TEST(directory, forgets_a_machine) {
    sessions d;
    d.replace("w_1", "m_1", snapshot({"s_1"}), 0);
    d.forget_machine("m_1");
    d.forget_machine("m_1");
    EXPECT_TRUE(d.machines_with("w_1", "s_1").empty());
    EXPECT_TRUE(d.of("m_1").sessions.empty());
    d.note("w_2", "m_1", "s_1");  // enrolled elsewhere
    EXPECT_EQ(d.machines_with("w_2", "s_1"), ids{"m_1"});
}

// Whatever a machine tells, it fills no more than its share; what it told last is always known.
TEST(directory, is_bounded_whatever_a_machine_tells) {
    sessions d;
    const auto known = [&](const std::string& prefix, std::size_t n) {
        std::size_t count = 0;
        for (std::size_t i = 0; i < n; ++i) count += d.machines_with("w_1", numbered(prefix, i)).size();
        return count;
    };
    constexpr std::size_t many = 3 * sessions::ids_max;
    for (std::size_t i = 0; i < many; ++i) d.note("w_1", "m_1", numbered("noted_", i));
    EXPECT_LE(known("noted_", many), sessions::ids_max);
    EXPECT_EQ(d.machines_with("w_1", numbered("noted_", many - 1)), ids{"m_1"});

    for (int round = 0; round < 10; ++round) {
        ids fresh;
        for (std::size_t i = 0; i < proto::limits::sessions_max; ++i)
            fresh.push_back(numbered("told_" + std::to_string(round) + "_", i));
        d.replace("w_1", "m_1", snapshot(fresh, false), 0);
        EXPECT_EQ(d.machines_with("w_1", fresh.back()), ids{"m_1"});
    }
    std::size_t total = known("noted_", many);
    for (int round = 0; round < 10; ++round)
        total += known("told_" + std::to_string(round) + "_", proto::limits::sessions_max);
    EXPECT_LE(total, sessions::ids_max);
}

}  // namespace
}  // namespace hub::directory
