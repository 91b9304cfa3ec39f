// The answers that are the whole workspace's.
#include "hub/relay/fleet.hpp"

#include "proto/limits.hpp"
#include "tests/hub/relay/relay_fixture.hpp"

namespace hub::relay {
namespace {

using nlohmann::json;
using proto::error_code;

class fleets : public tests::relay_fixture {
protected:
    void tell_sessions(const box& b, std::vector<std::pair<std::string, std::string>> ids_and_status) {
        proto::sessions_snapshot snapshot;
        for (auto& [id, status] : ids_and_status) {
            auto& one = snapshot.sessions.emplace_back();
            one.id = id;
            one.status = status;
            one.title = "Fix it";
        }
        b.machine->link.send_sessions(snapshot);
        b.machine->act();
        settle();
    }
    std::vector<std::string> names(const json& list, const char* member = "name") {
        std::vector<std::string> out;
        for (const auto& item : list) out.push_back(item.value(member, ""));
        return out;
    }
};

using list = std::vector<std::string>;

TEST_F(fleets, machines_are_listed_with_what_is_known_of_them) {
    const auto b = add("b");
    const auto a = add("a");
    const auto gone = add("c");
    unlink(a);
    ASSERT_TRUE(store_->revoke_machine(workspace_, gone.id(), "user:x"));
    tell_sessions(b, {{"s_1", "live"}, {"s_2", "idle"}});
    const auto answer = ask("list_machines")->value();
    ASSERT_EQ(names(answer["machines"]), (list{"a", "b"})) << answer;
    EXPECT_EQ(answer["machines"][0]["online"], false);
    EXPECT_EQ(answer["machines"][1]["online"], true);
    EXPECT_EQ(answer["machines"][1]["activeSessionCount"], 1);
    EXPECT_EQ(answer["machines"][1]["machineId"], b.id());
    EXPECT_TRUE(answer["as_of"].is_number());
    EXPECT_TRUE(b.machine->calls.empty()) << "the directory knows";
}

TEST_F(fleets, one_machine_with_its_sessions) {
    EXPECT_EQ(ask("get_machine")->error().code, error_code::not_found);
    const auto a = add("a");
    tell_sessions(a, {{"s_1", "live"}});
    const auto answer = ask("get_machine")->value()["machine"];
    EXPECT_EQ(answer["name"], "a");
    EXPECT_EQ(answer["sessions"][0]["title"], "Fix it");
    EXPECT_EQ(answer["tools"].size(), a.identity.tools.size());
    const auto b = add("b");
    EXPECT_EQ(ask("get_machine")->error().code, error_code::machine_ambiguous);
    EXPECT_EQ(ask("get_machine", {{"machine", "B"}})->value()["machine"]["name"], "b");
    EXPECT_EQ(ask("get_machine", {{"machine", "x"}})->error().code, error_code::not_found);
}

TEST_F(fleets, sessions_of_all_machines_are_one_list) {
    const auto a = add("a");
    const auto b = add("b");
    const auto offline = add("c");
    unlink(offline);
    always(a, R"({"sessions":[{"id":"s_1","updatedAt":10},{"id":"s_2","updatedAt":30}]})");
    always(b, R"({"sessions":[{"id":"s_3","updatedAt":20,"machine":"m_forged"}]})");
    const auto answer = ask("list_sessions")->value();
    EXPECT_EQ(names(answer["sessions"], "id"), (list{"s_2", "s_3", "s_1"}));
    EXPECT_EQ(names(answer["sessions"], "machineName"), (list{"a", "b", "a"}));
    EXPECT_EQ(answer["sessions"][1]["machine"], b.id());
    EXPECT_FALSE(answer.contains("next_cursor"));
    ASSERT_EQ(names(answer["unreachable"]), list{"c"});
    EXPECT_EQ(answer["unreachable"][0]["reason"], "machine_offline");
    EXPECT_TRUE(answer["unreachable"][0]["lastSeenAt"].is_number());
}

// Pages over machines that page as the real one does: by (updatedAt, id), newest first.
TEST_F(fleets, pages_pass_over_nothing_and_repeat_nothing) {
    std::vector<box> all{add("a"), add("b"), add("c")};
    std::vector<std::pair<std::int64_t, std::string>> everything;
    std::map<std::string, std::vector<std::pair<std::int64_t, std::string>>> of;
    for (int i = 0; i < 40; ++i) {
        // Uneven, with equal times, some across machines.
        const auto& b = all[static_cast<std::size_t>(i % 7 == 0 ? 2 : i % 5 < 3 ? 0 : 1)];
        const std::pair<std::int64_t, std::string> s{1000 - i / 3, "s_" + std::to_string(i)};
        of[b.id()].push_back(s);
        everything.push_back(s);
    }
    std::ranges::sort(everything, std::greater{});
    for (auto& b : all) {
        auto& own = of[b.id()];
        std::ranges::sort(own, std::greater{});
        b.machine->on_call = [&own, m = b.machine.get()](const auto& call) {
            const auto args = json::parse(call.arguments);
            const auto limit = args["limit"].template get<std::size_t>();
            std::pair<std::int64_t, std::string> after{INT64_MAX, ""};
            if (args.contains("cursor")) {
                const auto text = args["cursor"].template get<std::string>();
                after = {std::stoll(text), text.substr(text.find(':') + 1)};
            }
            json page{{"sessions", json::array()}};
            for (const auto& [at, id] : own) {
                if (std::pair(at, id) >= after) continue;
                if (page["sessions"].size() == limit) {
                    page["next_cursor"] = "more";
                    break;
                }
                page["sessions"].push_back({{"id", id}, {"updatedAt", at}});
            }
            m->answer(call.id, page.dump());
        };
    }
    for (const int limit : {1, 3, 7, 50}) {
        std::vector<std::string> seen;
        json arguments{{"limit", limit}};
        for (int pages = 0; pages < 60; ++pages) {
            const auto page = ask("list_sessions", arguments)->value();
            EXPECT_LE(page["sessions"].size(), static_cast<std::size_t>(limit));
            for (const auto& id : names(page["sessions"], "id")) seen.push_back(id);
            if (!page.contains("next_cursor")) break;
            arguments["cursor"] = page["next_cursor"];
        }
        std::vector<std::string> expected;
        for (const auto& [at, id] : everything) expected.push_back(id);
        EXPECT_EQ(seen, expected) << "in pages of " << limit;
    }
}

TEST_F(fleets, health_is_well_only_if_all_are) {
    const auto a = add("a");
    const auto b = add("b");
    always(a, R"({"machines":[{"ok":true,"version":"1"}]})");
    always(b, R"({"machines":[{"ok":true}]})");
    const auto well = ask("get_health")->value();
    EXPECT_EQ(well["ok"], true);
    EXPECT_EQ(well["name"], "codez-hub");
    EXPECT_EQ(well["machines"].size(), 2U);
    always(b, R"({"machines":[{"ok":false}]})");
    EXPECT_EQ(ask("get_health")->value()["ok"], false);
    always(b, R"({"machines":[{"ok":"yes"}]})");
    EXPECT_EQ(ask("get_health")->value()["ok"], false) << "a word is no truth";
    unlink(b);
    const auto unwell = ask("get_health")->value();
    EXPECT_EQ(unwell["ok"], false);
    EXPECT_EQ(names(unwell["unreachable"]), list{"b"});
}

TEST_F(fleets, a_machine_that_answers_nonsense_hides_nobody_else) {
    const auto a = add("a");
    const auto b = add("b");
    always(a, R"({"sessions":[{"id":"s_1","updatedAt":10}]})");
    for (const char* odd : {R"({"sessions":7})", R"({"sessions":[7,null,{"id":7,"updatedAt":"x"}]})", R"({})",
                            R"({"sessions":{"a":1},"next_cursor":7})", R"({"sessions":[],"next_cursor":"more"})"}) {
        always(b, odd);
        const auto call = ask("list_sessions");
        ASSERT_TRUE(*call->outcome) << odd << call->error().message;
        const auto ids = names(call->value()["sessions"], "machineName");
        EXPECT_NE(std::ranges::find(ids, "a"), ids.end()) << odd;
    }
}

TEST_F(fleets, the_details_of_health_are_of_all_machines) {
    const auto a = add("a");
    const auto b = add("b");
    always(
        a,
        R"({"log":[{"timestamp":9,"action":"x"},{"timestamp":2,"action":"y"}],"subsystems":[{"name":"link","healthy":true}]})");
    always(b, R"({"log":[{"timestamp":5,"action":"z"}],"subsystems":[{"name":"link","healthy":false}]})");
    const auto answer = ask("get_health_details")->value();
    EXPECT_EQ(names(answer["log"], "action"), (list{"x", "z", "y"}));
    EXPECT_EQ(names(answer["log"], "machineName"), (list{"a", "b", "a"}));
    EXPECT_EQ(answer["subsystems"].size(), 2U);
}

TEST_F(fleets, the_state_is_of_all_machines) {
    const auto a = add("a");
    const auto gone = add("b");
    unlink(gone);
    always(
        a,
        R"({"markers":{},"machines":[{"machine":"m_forged","updatedAt":3,"preferences":{"theme":"dark"},"markers":{},"recentCwds":["/x"]}]})");
    const auto answer = ask("get_state")->value();
    EXPECT_EQ(answer["preferences"]["theme"], "dark");
    EXPECT_EQ(answer["machines"][0]["machine"], a.id());
    EXPECT_EQ(answer["unreachable"].size(), 1U);
}

TEST_F(fleets, what_all_machines_refuse_is_wrong_with_the_call) {
    for (const auto& b : {add("a"), add("b")})
        b.machine->on_call = [m = b.machine.get()](const auto& c) {
            m->fail(c.id, {error_code::invalid_argument, "`slug` is odd.", {}, {}});
        };
    EXPECT_EQ(ask("list_projects", {{"slug", "x"}})->error().code, error_code::invalid_argument);
    EXPECT_EQ(ask("list_projects")->error().code, error_code::invalid_argument);
}

TEST_F(fleets, no_machine_at_all_is_an_empty_list) {
    EXPECT_EQ(ask("list_sessions")->value()["sessions"], json::array());
    EXPECT_EQ(ask("list_projects")->value()["projects"], json::array());
    EXPECT_EQ(ask("list_machines")->value()["machines"], json::array());
}

TEST_F(fleets, what_machines_get_is_no_longer_than_it_has_to_be) {
    const auto a = add("a");
    always(a, R"({"projects":[]})");
    const auto call = std::make_shared<tests::asked_call>();
    call->tool = "list_projects";
    call->arguments = "{" + std::string(1'000'000, ' ') + "}";
    call->who = who();
    finish(begin(call));
    EXPECT_EQ(a.machine->calls[0].arguments, "{}");
}

}  // namespace
}  // namespace hub::relay
