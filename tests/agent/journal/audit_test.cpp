#include "agent/journal/audit_trail.hpp"

#include "agent/journal/calls.hpp"
#include "tests/agent/events/log_fixture.hpp"

namespace agent::journal::test {
namespace {

using common::db::connection;

class audit_test : public events::test::log_test {
protected:
    std::vector<audit_entry> list(audit_query query = {}) {
        std::vector<audit_entry> out;
        run([&](connection& c) { out = list_audit(c, query); });
        return out;
    }
    std::int64_t begin(const std::string& tool, const std::string& session, const std::string& key = {}) {
        const auto d = await(calls_.begin({"w/u/c", tool, key, "hash", session, "link"}, std::chrono::milliseconds(0)));
        EXPECT_TRUE(d) << d.error().message;
        if (d && !d->replay) EXPECT_TRUE(await(calls_.finish(d->id, "{}")));
        return d ? d->audit_id : 0;
    }

    calls calls_{io_.get_executor(), *log_};
    audit_trail trail_{*log_};
};

TEST_F(audit_test, a_call_stands_in_it_before_it_acts) {
    const auto d =
        await(calls_.begin({"w/u/c", "send_prompt", "", "hash", "s1", "link"}, std::chrono::milliseconds(0)));
    const auto entries = list();
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].id, d->audit_id);
    EXPECT_EQ(entries[0].principal, "w/u/c");
    EXPECT_EQ(entries[0].origin, "link");
    EXPECT_EQ(entries[0].tool, "send_prompt");
    EXPECT_EQ(entries[0].session_id, "s1");
    EXPECT_EQ(entries[0].arguments_hash, "hash");
    EXPECT_FALSE(entries[0].refused);
    EXPECT_GT(entries[0].at_ms, 1'600'000'000'000);
    EXPECT_TRUE(await(calls_.withdraw(d->id)));
    EXPECT_EQ(list().size(), 1u) << "what the journal forgets, the audit keeps";
}

TEST_F(audit_test, repetitions_stand_in_it_too) {
    begin("create_session", "", "k");
    begin("create_session", "", "k");
    EXPECT_EQ(list().size(), 2u);
}

TEST_F(audit_test, tells_the_session_that_was_made_and_the_rule_that_refused) {
    const auto made = begin("create_session", "");
    const auto refused = begin("send_prompt", "s2");
    EXPECT_TRUE(await(trail_.settle(made, "s1", "")));
    EXPECT_TRUE(await(trail_.settle(refused, "", "roots")));
    const auto entries = list();
    EXPECT_EQ(entries.at(0).session_id, "s1");
    EXPECT_FALSE(entries.at(0).refused);
    EXPECT_EQ(entries.at(1).session_id, "s2");
    EXPECT_TRUE(entries.at(1).refused);
    EXPECT_EQ(entries.at(1).rule, "roots");
}

TEST_F(audit_test, is_filtered_and_gives_the_newest_in_order) {
    for (const char* session : {"a", "b", "a", "b", "a"}) begin("send_prompt", session);
    audit_entry no;
    no.tool = "get_health";
    no.rule = "permission_denied";
    EXPECT_TRUE(await(trail_.refused(no)));
    audit_query query;
    query.session_id = "a";
    EXPECT_EQ(list(query).size(), 3u);
    query.limit = 2;
    const auto newest = list(query);
    ASSERT_EQ(newest.size(), 2u);
    EXPECT_LT(newest[0].id, newest[1].id);
    EXPECT_EQ(newest[1].id, 5);
    query = {};
    query.refused_only = true;
    ASSERT_EQ(list(query).size(), 1u);
    EXPECT_EQ(list(query)[0].tool, "get_health");
    query = {};
    query.since_ms = list().back().at_ms + 60'000;
    EXPECT_TRUE(list(query).empty());
}

TEST_F(audit_test, is_bounded_by_age_and_number) {
    for (int i = 0; i < 10; ++i) begin("send_prompt", "s");
    run([](connection& c) { c.execute("UPDATE audit SET at_ms = 5 WHERE id <= 3"); });
    run([](connection& c) { expire_audit(c, 6, 100); });
    EXPECT_EQ(list().size(), 7u);
    run([](connection& c) { expire_audit(c, 6, 2); });
    EXPECT_EQ(list().size(), 2u);
    EXPECT_EQ(list().back().id, 10);
}

TEST_F(audit_test, only_refusals_have_a_rule) {
    using proto::error_code;
    EXPECT_EQ(refusing_rule({error_code::policy_denied, "m", "h", R"({"rule":"roots","file":"/f"})"}), "roots");
    EXPECT_EQ(refusing_rule({error_code::policy_denied, "m", "h", "{}"}), "policy_denied");
    EXPECT_EQ(refusing_rule({error_code::permission_denied, "m", "h", ""}), "permission_denied");
    EXPECT_EQ(refusing_rule({error_code::recursion_limit_exceeded, "m", "h", ""}), "recursion_limit_exceeded");
    EXPECT_EQ(refusing_rule({error_code::not_found, "m", "h", R"({"rule":"roots"})"}), "");
}

}  // namespace
}  // namespace agent::journal::test
