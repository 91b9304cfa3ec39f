// What of a call's arguments decides where it goes, however hostile they are.
#include "hub/relay/routing_arguments.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "hub/relay/tool_result.hpp"
#include "proto/limits.hpp"

namespace hub::relay {
namespace {

using nlohmann::json;
using proto::error_code;

TEST(routing_arguments, are_found_wherever_they_stand) {
    const auto found = read_routing_arguments(
        R"( {"text":"\"machine\":\"x\"","deep":{"machine":"no","list":[{"session_id":"no"}]},
             "machine":"box","cursor":"c","session_id":"s_1","timeout_ms":5000} )");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->machine, "box");
    EXPECT_EQ(found->session_id, "s_1");
    EXPECT_EQ(found->cursor, "c");
    EXPECT_EQ(found->timeout_ms, 5000);
    const auto none = read_routing_arguments("{}");
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->machine.empty() && none->session_id.empty() && none->cursor.empty());
    EXPECT_FALSE(none->timeout_ms);
}

TEST(routing_arguments, escaped_names_and_values_mean_what_they_say) {
    const auto found = read_routing_arguments("{\"mach\\u0069ne\":\"b\\u00f6x\",\"session_id\":\"a\\/b\"}");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->machine, "b\xc3\xb6x");
    EXPECT_EQ(found->session_id, "a/b");
}

TEST(routing_arguments, wrong_types_and_lengths_name_the_field) {
    for (const std::string name : {"machine", "session_id", "cursor"}) {
        for (const std::string value : {"7", "null", "[]", "{}", "true", R"("\ud800")"}) {
            const auto refused = read_routing_arguments("{\"" + name + "\":" + value + "}");
            ASSERT_FALSE(refused) << name << value;
            EXPECT_EQ(refused.error().code, error_code::invalid_argument);
            EXPECT_NE(refused.error().message.find("`" + name + "`"), std::string::npos);
        }
        const auto refused = read_routing_arguments(json{{name, std::string(2000, 'x')}}.dump());
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().message.find(name), std::string::npos);
    }
}

TEST(routing_arguments, a_time_that_is_none_is_left_to_the_machine) {
    EXPECT_EQ(read_routing_arguments(R"({"timeout_ms":5000.0})")->timeout_ms, 5000);
    EXPECT_EQ(read_routing_arguments(R"({"timeout_ms":-1})")->timeout_ms, -1);
    for (const char* value : {"\"5\"", "null", "1e300", "99999999999999999999", "[]"}) {
        const auto found = read_routing_arguments(R"({"machine":"m","timeout_ms":)" + std::string(value) + "}");
        ASSERT_TRUE(found) << value;
        EXPECT_FALSE(found->timeout_ms) << value;
        EXPECT_EQ(found->machine, "m");
    }
}

TEST(routing_arguments, what_is_no_object_is_refused) {
    for (const std::string text : {"", " ", "[]", "7", "null", "\"x\"", "{", "{\"machine\"", "{\"machine\":",
                                   "{\"machine\":\"x", "{\"machine\":\"\xff\"}", "{machine:1}", "{\"a\":1 \"b\":2}"}) {
        const auto refused = read_routing_arguments(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().code, error_code::invalid_argument);
    }
}

TEST(routing_arguments, large_and_deep_ones_cost_no_more_than_their_bytes) {
    EXPECT_TRUE(read_routing_arguments(R"({"text":")" + std::string(4 * proto::limits::mib, 'x') + R"("})"));
    std::string deep = R"({"a":)" + std::string(60, '[') + std::string(60, ']') + R"(,"machine":"m"})";
    EXPECT_EQ(read_routing_arguments(deep)->machine, "m");
    const std::string bomb = R"({"a":)" + std::string(100'000, '[');
    EXPECT_FALSE(read_routing_arguments(bomb));
}

TEST(tool_result, says_the_same_twice) {
    const json value{{"machines", {{{"name", "a \"b\" \n\xc3\xb6"}}}}, {"as_of", 7}};
    const auto result = json::parse(tool_result(value));
    EXPECT_EQ(result["structuredContent"], value);
    EXPECT_EQ(json::parse(result["content"][0]["text"].get<std::string>()), value);
    EXPECT_EQ(result["content"][0]["type"], "text");
    EXPECT_FALSE(result.contains("isError"));
}

TEST(tool_result, is_utf8_whatever_it_was_made_of) {
    const auto result = json::parse(tool_result({{"title", "broken \xff\xc3"}}), nullptr, false);
    EXPECT_TRUE(result.is_object());
}

}  // namespace
}  // namespace hub::relay
