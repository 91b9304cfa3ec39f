#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using proto::error_code;

class state_tools_test : public tools_test {
protected:
    json update(json patch) { return value({"update_state", {{"patch", std::move(patch)}}}); }
};

TEST_F(state_tools_test, at_first_there_is_nothing) {
    const auto state = value({"get_state"});
    EXPECT_EQ(state["markers"], json::object());
    EXPECT_EQ(state["preferences"], json::object());
    EXPECT_EQ(state["recentCwds"], json::array());
    ASSERT_EQ(state["machines"].size(), 1u);
    EXPECT_EQ(state["machines"][0]["machine"], "m_1");
    EXPECT_EQ(state["machines"][0]["machineName"], "laptop");
    EXPECT_EQ(state["machines"][0]["updatedAt"], 0);
}

TEST_F(state_tools_test, members_are_merged_and_null_removes) {
    struct {
        json patch;
        json preferences;
        json cwds;
    } const table[] = {
        {{{"preferences", {{"a", 1}, {"b", {{"deep", 1}}}}}}, {{"a", 1}, {"b", {{"deep", 1}}}}, json::array()},
        {{{"preferences", {{"b", {{"other", 2}}}}}}, {{"a", 1}, {"b", {{"other", 2}}}}, json::array()},
        {{{"preferences", {{"a", nullptr}, {"none", nullptr}}}}, {{"b", {{"other", 2}}}}, json::array()},
        {{{"recentCwds", {"/x", "/y"}}}, {{"b", {{"other", 2}}}}, {"/x", "/y"}},
        {{{"recentCwds", {"/z"}}}, {{"b", {{"other", 2}}}}, {"/z"}},
        {json::object(), {{"b", {{"other", 2}}}}, {"/z"}},
    };
    for (const auto& row : table) {
        const auto told = update(row.patch);
        EXPECT_EQ(told["preferences"], row.preferences) << row.patch;
        EXPECT_EQ(told["recentCwds"], row.cwds) << row.patch;
        EXPECT_EQ(value({"get_state"}), told) << "what update_state tells is what get_state reads";
    }
    restart();
    EXPECT_EQ(value({"get_state"})["recentCwds"], json({"/z"})) << "it outlives the agent";
}

TEST_F(state_tools_test, markers_are_completed) {
    const auto told = update({{"markers",
                               {{"s", {{{"id", "k"}, {"messageId", "msg_1"}, {"label", "here"}, {"resolved", true}}}},
                                {"t", json::array()}}}});
    const auto& marker = told["markers"]["s"][0];
    EXPECT_EQ(marker["sessionId"], "s");
    EXPECT_EQ(marker["label"], "here");
    EXPECT_GT(marker["createdAt"], 0);
    EXPECT_EQ(update({{"markers", {{"t", nullptr}}}})["markers"].size(), 1u);
    const json whole{{"id", "k"},   {"messageId", "m"}, {"partId", "p"},
                     {"note", "n"}, {"createdAt", 7},   {"sessionId", "forged"}};
    const auto kept = update({{"markers", {{"s", json::array({whole})}}}})["markers"]["s"];
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept[0]["createdAt"], 7);
    EXPECT_EQ(kept[0]["sessionId"], "s");
}

TEST_F(state_tools_test, only_the_newest_directories_are_kept) {
    json many = json::array();
    for (int i = 0; i < 30; ++i) many.push_back(fmt::format("/p{}", i));
    const auto told = update({{"recentCwds", many}})["recentCwds"];
    ASSERT_EQ(told.size(), proto::limits::recent_cwds_max);
    EXPECT_EQ(told[0], "/p0");
}

TEST_F(state_tools_test, errors) {
    const json good{{"id", "k"}, {"messageId", "m"}};
    const auto with = [&](const char* name, json other) {
        json marker = good;
        marker[name] = std::move(other);
        return json{{"patch", {{"markers", {{"s", json::array({marker})}}}}}};
    };
    const json table[] = {
        json::object(),
        {{"patch", 7}},
        {{"patch", {{"observability", json::object()}}}},
        {{"patch", {{"preferences", 7}}}},
        {{"patch", {{"recentCwds", {"relative"}}}}},
        {{"patch", {{"recentCwds", json::array({7})}}}},
        {{"patch", {{"markers", {{"s", 7}}}}}},
        {{"patch", {{"markers", {{"s", json::array({7})}}}}}},
        {{"patch", {{"markers", {{"", json::array()}}}}}},
        {{"patch", {{"markers", {{std::string(65, 'x'), json::array()}}}}}},
        with("id", ""),
        with("id", 7),
        with("messageId", nullptr),
        with("partId", 7),
        with("label", 7),
        with("note", 7),
        with("resolved", "yes"),
        with("createdAt", "now"),
    };
    for (const auto& arguments : table)
        EXPECT_EQ(code({"update_state", arguments}), error_code::invalid_argument) << arguments;
    EXPECT_EQ(value({"get_state"})["machines"][0]["updatedAt"], 0) << "nothing was changed";
}

TEST_F(state_tools_test, it_is_bounded) {
    update({{"preferences", {{"kept", 1}}}});
    const json large{{"patch", {{"preferences", {{"large", std::string(proto::limits::state_bytes_max, 'x')}}}}}};
    EXPECT_EQ(code({"update_state", large}), error_code::resource_exhausted);
    EXPECT_EQ(value({"get_state"})["preferences"], json({{"kept", 1}}));
}

TEST_F(state_tools_test, scopes) {
    const auto with = [](const char* tool, json arguments, const char* scope) {
        call_of call{tool, std::move(arguments)};
        call.who.scopes = {scope};
        return call;
    };
    const json patch{{"patch", {{"preferences", {{"a", 1}}}}}};
    EXPECT_EQ(code(with("get_state", {}, "state:write")), error_code::permission_denied);
    EXPECT_EQ(code(with("update_state", patch, "state:read")), error_code::permission_denied);
    EXPECT_TRUE(call(with("update_state", patch, "state:write")));
    EXPECT_TRUE(call(with("get_state", json::object(), "state:read")));
}

}  // namespace
}  // namespace agent::tools::test
