#include "common/mcp/param_headers.hpp"

#include <gtest/gtest.h>

namespace common::mcp {
namespace {

TEST(decode_field, takes_plain_text_and_strict_base64) {
    EXPECT_EQ(decode_field("us-west1"), "us-west1");
    EXPECT_EQ(decode_field(""), "");
    EXPECT_EQ(decode_field("a \t b"), "a \t b");
    EXPECT_EQ(decode_field("=?base64?SGVsbG8sIOS4lueVjA==?="), "Hello, \xe4\xb8\x96\xe7\x95\x8c");
    EXPECT_EQ(decode_field("=?base64?IHBhZGRlZCA=?="), " padded ");
    EXPECT_EQ(decode_field("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="), "=?base64?literal?=");
    EXPECT_EQ(decode_field("=?base64?"
                           "?="),
              "");
    // Not in the form: themselves.
    EXPECT_EQ(decode_field("=?base64?x"), "=?base64?x");
    EXPECT_EQ(decode_field("=?BASE64?eA==?="), "=?BASE64?eA==?=");
    EXPECT_EQ(decode_field("=?base64?="), "=?base64?=");
    for (const char* wrong :
         {"=?base64?SGVsbG8?=", "=?base64?SGVsbG8==?=", "=?base64?SGVs bG8=?=", "=?base64?SGVsbG8-?=",
          "=?base64?====?=", "=?base64?/w==?=", "caf\xc3\xa9", "a\nb", "a\x7f"}) {
        EXPECT_EQ(decode_field(wrong), std::nullopt) << wrong;
    }
}

TEST(header_parameters_of, finds_what_is_annotated) {
    const auto found = header_parameters_of(R"({"type":"object","properties":{
        "machine":{"type":"string","x-mcp-header":"Machine"},
        "x-mcp-header":{"type":"string","default":{"x-mcp-header":"not a schema"}},
        "options":{"type":"object","properties":{"count":{"type":"integer","x-mcp-header":"Count"}}},
        "properties":{"type":"boolean","x-mcp-header":"Fast"}}})");
    ASSERT_TRUE(found) << found.error();
    ASSERT_EQ(found->size(), 3u);
    const auto path_of = [&](std::string_view header) -> std::vector<std::string> {
        for (const header_parameter& one : *found) {
            if (one.header == header) return one.path;
        }
        return {};
    };
    EXPECT_EQ(path_of("Machine"), (std::vector<std::string>{"machine"}));
    EXPECT_EQ(path_of("Count"), (std::vector<std::string>{"options", "count"}));
    EXPECT_EQ(path_of("Fast"), (std::vector<std::string>{"properties"}));
    EXPECT_TRUE(header_parameters_of(R"({"type":"object"})")->empty());
}

TEST(header_parameters_of, tells_which_rule_is_broken) {
    for (const char* wrong :
         {"[]", "no json", R"({"x-mcp-header":"A","type":"string"})",
          R"({"properties":{"a":{"type":"number","x-mcp-header":"A"}}})",
          R"({"properties":{"a":{"x-mcp-header":"A"}}})", R"({"properties":{"a":{"type":"string","x-mcp-header":""}}})",
          R"({"properties":{"a":{"type":"string","x-mcp-header":"a b"}}})",
          R"({"properties":{"a":{"type":"string","x-mcp-header":7}}})",
          R"({"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}})",
          R"({"properties":{"a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}}})",
          R"({"properties":{"a":{"anyOf":[{"type":"string","x-mcp-header":"A"}]}}})",
          R"({"$defs":{"d":{"type":"string","x-mcp-header":"A"}}})",
          R"({"properties":{"a":{"items":{"properties":{"b":{"type":"string","x-mcp-header":"A"}}}}}})"}) {
        const auto found = header_parameters_of(wrong);
        ASSERT_FALSE(found) << wrong;
        EXPECT_FALSE(found.error().empty());
    }
}

TEST(field_matches, compares_as_the_type_does) {
    const header_parameter parameter{"P", {"a", "b"}};
    const auto matches = [&](const char* arguments, std::optional<std::string_view> field) {
        return field_matches(parameter, arguments, field);
    };
    EXPECT_TRUE(matches(R"({"a":{"b":"x y"}})", "x y"));
    EXPECT_TRUE(matches(R"({"a":{"b":"\u00e9"}})", "=?base64?w6k=?="));
    EXPECT_FALSE(matches(R"({"a":{"b":"x"}})", "X"));
    EXPECT_FALSE(matches(R"({"a":{"b":"x"}})", std::nullopt));
    EXPECT_TRUE(matches(R"({"a":{"b":42}})", "42"));
    EXPECT_TRUE(matches(R"({"a":{"b":42}})", "42.0"));
    EXPECT_TRUE(matches(R"({"a":{"b":4.2e1}})", "42"));
    EXPECT_FALSE(matches(R"({"a":{"b":42}})", "43"));
    EXPECT_FALSE(matches(R"({"a":{"b":42}})", "42x"));
    EXPECT_FALSE(matches(R"({"a":{"b":42}})", ""));
    EXPECT_TRUE(matches(R"({"a":{"b":true}})", "true"));
    EXPECT_FALSE(matches(R"({"a":{"b":true}})", "True"));
    EXPECT_FALSE(matches(R"({"a":{"b":"true"}})", "=?base64?dHJ1ZQ?="));
    for (const char* without : {"{}", R"({"a":null})", R"({"a":{"b":null}})", R"({"a":7})"}) {
        EXPECT_TRUE(matches(without, std::nullopt)) << without;
        EXPECT_FALSE(matches(without, "x")) << without;
    }
    // What both sides could read differently, or what a field cannot say, matches no field.
    EXPECT_FALSE(matches(R"({"a":{"b":"x","b":"x"}})", "x"));
    EXPECT_FALSE(matches(R"({"a":{"b":{}}})", "{}"));
}

}  // namespace
}  // namespace common::mcp
