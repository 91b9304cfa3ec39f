// The validator: keyword by keyword, and the sentence that each mistake of a caller gets.
#include "proto/schema.hpp"

#include <gtest/gtest.h>

#include "proto/limits.hpp"

namespace proto {
namespace {

using nlohmann::json;
using namespace std::string_literals;

std::string message_of(const char* schema, const char* value) {
    const auto valid = validate(json::parse(schema), json::parse(value));
    return valid ? "" : valid.error().message;
}

error refused(const char* name, std::string_view raw) {
    const auto arguments = parse_arguments(*tools().find(name), raw);
    EXPECT_FALSE(arguments) << raw;
    if (arguments) return {};
    EXPECT_EQ(arguments.error().code, error_code::invalid_argument);
    return arguments.error();
}

TEST(schema, checks_types) {
    const std::pair<const char*, const char*> good[] = {{"object", "{}"},     {"array", "[]"},     {"string", "\"\""},
                                                        {"integer", "5"},     {"integer", "-5.0"}, {"number", "1.5"},
                                                        {"boolean", "false"}, {"null", "null"}};
    for (const auto& [type, value] : good) EXPECT_TRUE(validate({{"type", type}}, json::parse(value))) << type << value;
    const std::pair<const char*, const char*> bad[] = {{"object", "[]"},   {"array", "{}"},      {"string", "1"},
                                                       {"integer", "1.5"}, {"integer", "\"1\""}, {"integer", "1e300"},
                                                       {"number", "true"}, {"boolean", "0"},     {"null", "0"}};
    for (const auto& [type, value] : bad) EXPECT_FALSE(validate({{"type", type}}, json::parse(value))) << type << value;
}

TEST(schema, checks_ranges_at_their_edges) {
    const auto* schema = R"({"type":"integer","minimum":0,"maximum":10})";
    for (const auto* value : {"0", "10", "10.0"}) EXPECT_EQ(message_of(schema, value), "") << value;
    for (const auto* value : {"-1", "11", "18446744073709551615", "-9223372036854775808", "1e18"})
        EXPECT_NE(message_of(schema, value), "") << value;
}

TEST(schema, does_not_take_the_largest_numbers_for_negative_ones) {
    EXPECT_NE(message_of(R"({"type":"integer","maximum":10})", "18446744073709551615"), "");
    EXPECT_EQ(message_of(R"({"type":"integer","minimum":0})", "18446744073709551615"), "");
}

TEST(schema, counts_characters_not_bytes) {
    const auto* schema = R"({"type":"string","minLength":1,"maxLength":2})";
    EXPECT_EQ(message_of(schema, "\"\xE2\x82\xAC\xE2\x82\xAC\""), "");
    EXPECT_NE(message_of(schema, "\"abc\""), "");
    EXPECT_NE(message_of(schema, "\"\""), "");
}

TEST(schema, checks_enum_const_pattern_and_items) {
    EXPECT_EQ(message_of(R"({"enum":["a","b"]})", "\"b\""), "");
    EXPECT_NE(message_of(R"({"enum":["a","b"]})", "\"B\""), "");
    EXPECT_EQ(message_of(R"({"const":true})", "true"), "");
    EXPECT_NE(message_of(R"({"const":true})", "false"), "");
    EXPECT_EQ(message_of(R"({"type":"string","pattern":"^[!-~]+$"})", "\"a!~\""), "");
    EXPECT_NE(message_of(R"({"type":"string","pattern":"^[!-~]+$"})", "\"a b\""), "");
    EXPECT_NE(message_of(R"({"type":"string","pattern":"^[!-~]+$"})", "\"a\\n\""), "");
    const auto* list =
        R"({"type":"array","maxItems":2,"items":{"type":"object","required":["x"],"properties":{"x":{"type":"integer"}}}})";
    EXPECT_EQ(message_of(list, R"([{"x":1},{"x":2}])"), "");
    EXPECT_EQ(message_of(list, R"([{"x":1},{"x":"2"}])"), "`[1].x` must be an integer.");
    EXPECT_EQ(message_of(list, R"([{"x":1},{}])"), "`[1].x` is missing.");
    EXPECT_NE(message_of(list, R"([{"x":1},{"x":1},{"x":1}])"), "");
}

TEST(schema, long_text_does_not_reach_the_regular_expression) {
    const json schema{{"type", "string"}, {"pattern", "^[a-z]+$"}};
    EXPECT_FALSE(validate(schema, std::string(1'000'000, 'a')));
    const json prefix{{"type", "string"}, {"pattern", "^/"}};
    EXPECT_TRUE(validate(prefix, "/" + std::string(1'000'000, 'a')));
}

TEST(schema, names_unknown_keywords) {
    EXPECT_EQ(unknown_keywords(json::parse(R"({"type":"object","properties":{"a":{"format":"uuid"}},"allOf":[]})")),
              (std::vector<std::string>{"/allOf", "/properties/a/format"}));
    EXPECT_EQ(unknown_keywords(json::parse(R"({"items":{"pattern":"a+"}})")).size(), 1U);
    EXPECT_EQ(unknown_keywords(json::parse(R"({"additionalProperties":{"type":"string"}})")).size(), 1U);
}

TEST(arguments, good_ones_come_back_as_a_dom) {
    const auto arguments = parse_arguments(*tools().find("send_prompt"), R"({"session_id":"abc","text":"hi \u20ac"})");
    ASSERT_TRUE(arguments);
    EXPECT_EQ((*arguments)["text"], "hi \xE2\x82\xAC");
    EXPECT_TRUE(parse_arguments(*tools().find("list_machines"), ""));
    EXPECT_TRUE(parse_arguments(*tools().find("list_machines"), "{}"));
}

TEST(arguments, mistakes_are_told_by_the_field) {
    EXPECT_EQ(refused("poll_events", R"({"timeout_ms":30001})").message,
              "`timeout_ms` must be an integer between 0 and 30000.");
    EXPECT_EQ(refused("poll_events", R"({"timeout_ms":"5000"})").message,
              "`timeout_ms` must be an integer between 0 and 30000.");
    EXPECT_EQ(refused("send_prompt", R"({"text":"x"})").message, "`session_id` is missing.");
    EXPECT_EQ(refused("send_prompt", R"({"session_id":"a","text":""})").message,
              "`text` must be a string of a length between 1 and 262144 characters.");
    EXPECT_EQ(refused("respond_permission", R"({"session_id":"a","request_id":"r","behavior":"yes"})").message,
              "`behavior` must be one of allow, allow_for_session, deny.");
    EXPECT_EQ(refused("create_session", R"({"cwd":"relative"})").message, "`cwd` must match ^/.");
    EXPECT_EQ(refused("create_session", R"({"cwd":"relative"})").hint,
              "Absolute path of an existing directory on the machine.");
    EXPECT_EQ(refused("create_session", "{}").message, "`cwd` or `slug` is missing.");
    EXPECT_EQ(refused("send_prompt", R"({"session_id":"../etc","text":"x"})").message,
              "`session_id` must match ^[A-Za-z0-9_-]+$.");
}

TEST(arguments, unknown_ones_are_refused_with_the_known_ones) {
    const auto e = refused("abort_session", R"({"session_id":"a","sessionId":"b"})");
    EXPECT_EQ(e.message, "`sessionId` is not known here.");
    EXPECT_EQ(e.hint, "Known are: idempotency_key, machine, session_id.");
    EXPECT_EQ(refused("list_machines", R"({"x":1})").hint, "It takes no parameters.");
    EXPECT_LT(refused("list_machines", "{\"" + std::string(100'000, 'x') + "\":1}").message.size(), 200U);
}

TEST(arguments, one_given_twice_is_refused) {
    EXPECT_EQ(refused("abort_session", R"({"session_id":"a","session_id":"b"})").message,
              "`session_id` is given twice.");
    EXPECT_EQ(refused("abort_session", R"({"session_id":"a","\u0073ession_id":"b"})").message,
              "`session_id` is given twice.");
}

TEST(arguments, what_is_no_object_is_refused) {
    for (const auto& raw : {"[]"s, "null"s, "{"s, "{}{}"s, "\xFF"s, "{\"a\":1e999}"s, "{\"a\":\"\n\"}"s,
                            "{\"a\":" + std::string(1'000'000, '[') + "}"})
        refused("send_prompt", raw);
    std::string many = "{\"a\":[0";
    for (std::size_t i = 0; i < limits::json_nodes_max; ++i) many += ",0";
    EXPECT_NE(refused("send_prompt", many + "]}").message.find("too many parts"), std::string::npos);
}

TEST(arguments, results_of_the_documented_shape_are_valid) {
    const auto output = [](const char* tool, const char* value) {
        return validate(tools().find(tool)->output_schema, json::parse(value));
    };
    EXPECT_TRUE(output("create_session", R"({"sessionId":"s","cwd":"/w","cursor":"c"})"));
    EXPECT_TRUE(output("poll_events", R"({"events":[{"type":"session.idle","seq":1,"session_id":"s"}],)"
                                      R"("next_cursor":"c","has_more":false})"));
    EXPECT_FALSE(output("poll_events", R"({"events":[]})"));
    EXPECT_TRUE(output("respond_permission", R"({"ok":true})"));
    EXPECT_FALSE(output("respond_permission", R"({"ok":false})"));
}

}  // namespace
}  // namespace proto
