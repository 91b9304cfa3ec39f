#include <nlohmann/json.hpp>

#include "agent/events/conversation.hpp"
#include "tests/agent/events/log_fixture.hpp"

namespace agent::events::test {
namespace {

using nlohmann::json;

class conversation_test : public log_test {
protected:
    static new_event created(const std::string& id, const json& parts) {
        const json body{
            {"sessionId", "s"},
            {"message",
             {{"id", id}, {"sessionId", "s"}, {"role", "assistant"}, {"parts", parts}, {"time", {{"created", 1}}}}}};
        return made("s", "message.created", body.dump());
    }
    static new_event part(const std::string& type, const std::string& message, const json& value) {
        return made("s", type, json{{"sessionId", "s"}, {"messageId", message}, {"part", value}}.dump());
    }
    std::vector<json> messages(conversation_limit limit = {}, bool truncated = false) {
        const auto got = await(read_conversation(*log_, "s", limit));
        EXPECT_TRUE(got);
        EXPECT_EQ(got->truncated, truncated);
        std::vector<json> out;
        for (const auto& m : got->messages) out.push_back(json::parse(m));
        return out;
    }
};

TEST_F(conversation_test, is_rebuilt_from_its_events) {
    EXPECT_TRUE(messages().empty());
    append({created("m1", json::array({{{"id", "m1:0"}, {"type", "text"}, {"text", "hä \"quoted\""}}})),
            created("m2", json::array()),
            part("message.part.updated", "m2", {{"id", "t1"}, {"type", "tool_use"}, {"state", "running"}}),
            part("message.part.completed", "m2", {{"id", "m2:1"}, {"type", "text"}, {"text", "after"}})});
    append({made("x", "message.created", R"({"message":{"id":"foreign","parts":[]}})"),
            part("message.part.completed", "m2", {{"id", "t1"}, {"type", "tool_use"}, {"state", "completed"}})});
    const auto m = messages();
    ASSERT_EQ(m.size(), 2u);
    EXPECT_EQ(m[0]["id"], "m1");
    EXPECT_EQ(m[0]["time"]["created"], 1);
    EXPECT_EQ(m[0]["parts"][0]["text"], "hä \"quoted\"");
    ASSERT_EQ(m[1]["parts"].size(), 2u);
    EXPECT_EQ(m[1]["parts"][0]["state"], "completed");
    EXPECT_EQ(m[1]["parts"][1]["text"], "after");
}

TEST_F(conversation_test, keeps_the_newest_within_its_bounds) {
    for (int i = 0; i < 10; ++i)
        append({created("m" + std::to_string(i), json::array()),
                part("message.part.completed", "m" + std::to_string(i),
                     {{"id", "p"}, {"type", "text"}, {"text", std::string(1000, 'x')}})});
    auto m = messages({.messages = 3}, true);
    ASSERT_EQ(m.size(), 3u);
    EXPECT_EQ(m[0]["id"], "m7");
    EXPECT_EQ(messages({.messages = 10}).size(), 10u);
    m = messages({.messages = 10, .bytes = 2500}, true);
    ASSERT_EQ(m.size(), 2u);
    EXPECT_EQ(m[1]["id"], "m9");
    EXPECT_EQ(messages({.messages = 10, .bytes = 1}, true).size(), 1u) << "the newest is told, however large";
}

TEST_F(conversation_test, passes_over_what_it_cannot_use) {
    append({made("s", "message.created", "nonsense"), made("s", "message.created", "{\"message\":[]}"),
            made("s", "message.created", R"({"message":{"role":"user"}})"), created("ok", json::array()),
            created("ok", json::array({{{"id", "again"}}})), made("s", "message.part.updated", "{"),
            part("message.part.updated", "unknown", {{"id", "p"}}), part("message.part.updated", "ok", "no object"),
            part("message.part.updated", "ok", {{"id", 7}})});
    const auto m = messages();
    ASSERT_EQ(m.size(), 1u);
    EXPECT_EQ(m[0]["id"], "ok");
    EXPECT_TRUE(m[0]["parts"].empty());
}

}  // namespace
}  // namespace agent::events::test
