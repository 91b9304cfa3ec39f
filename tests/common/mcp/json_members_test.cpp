#include "common/mcp/json_members.hpp"

#include <array>

#include <gtest/gtest.h>

namespace common::mcp {
namespace {

std::optional<std::string> find(std::string_view object, std::string_view name) {
    const std::array<std::string_view, 1> names{name};
    std::array<std::string_view, 1> values;
    if (!read_members(object, names, values)) return std::nullopt;
    return std::string(values[0]);
}

TEST(json_members, finds_values_of_every_kind_byte_for_byte) {
    const std::string_view object =
        " { \"s\" : \"a\\\"}b\" , \"n\":-12 ,\"f\":1.50,\"o\":{\"s\":[1,{\"x\":\"]\"}]},\"a\":[ ],\"t\":true,\"z\":null } ";
    EXPECT_EQ(find(object, "s"), R"("a\"}b")");
    EXPECT_EQ(find(object, "n"), "-12");
    EXPECT_EQ(find(object, "f"), "1.50");
    EXPECT_EQ(find(object, "o"), R"({"s":[1,{"x":"]"}]})");
    EXPECT_EQ(find(object, "a"), "[ ]");
    EXPECT_EQ(find(object, "t"), "true");
    EXPECT_EQ(find(object, "z"), "null");
    EXPECT_EQ(find(object, "absent"), "");
    EXPECT_EQ(find("{}", "x"), "");
}

TEST(json_members, sees_through_escaped_keys) {
    EXPECT_EQ(find(R"({"\u0069d":1})", "id"), "1");
    EXPECT_EQ(find(R"({"a\/b":2})", "a/b"), "2");
    EXPECT_EQ(find(R"({"\u00e9":3,"\n":4,"id\\":5,"i\u00":6})", "id"), "");
}

TEST(json_members, refuses_a_wanted_key_that_occurs_twice) {
    EXPECT_EQ(find(R"({"id":1,"id":2})", "id"), std::nullopt);
    EXPECT_EQ(find(R"({"id":1,"\u0069\u0064":2})", "id"), std::nullopt);
    EXPECT_EQ(find(R"({"x":1,"x":2,"id":3})", "id"), "3");
    EXPECT_EQ(find(R"({"o":{"id":1},"id":2})", "id"), "2");
}

TEST(json_members, stays_inside_text_that_is_cut_anywhere) {
    const std::string whole = R"({"a":"x\"y","b":{"c":[1,2,"]"]},"id":"v\\","n":-1e5})";
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const std::string cut = whole.substr(0, length);  // a heap copy, so that ASan sees one byte too far
        find(cut, "id");
        std::vector<std::string_view> elements;
        const std::string array = "[" + cut;
        EXPECT_NE(split_objects(array, 10, elements), split_outcome::ok) << array;
    }
}

TEST(json_members, tells_kinds_apart) {
    EXPECT_EQ(kind_of(""), json_kind::none);
    EXPECT_EQ(kind_of("{}"), json_kind::object);
    EXPECT_EQ(kind_of("[]"), json_kind::array);
    EXPECT_EQ(kind_of("\"\""), json_kind::string);
    EXPECT_EQ(kind_of("-0"), json_kind::integer);
    EXPECT_EQ(kind_of("1e2"), json_kind::fraction);
    EXPECT_EQ(kind_of("1.0"), json_kind::fraction);
    EXPECT_EQ(kind_of("false"), json_kind::boolean);
    EXPECT_EQ(kind_of("null"), json_kind::null);
}

TEST(json_members, splits_an_array_of_objects) {
    std::vector<std::string_view> elements;
    EXPECT_EQ(split_objects(R"( [ {"a":[1,{"b":"}"}]} , {} ] )", 2, elements), split_outcome::ok);
    ASSERT_EQ(elements.size(), 2u);
    EXPECT_EQ(elements[0], R"({"a":[1,{"b":"}"}]})");
    EXPECT_EQ(elements[1], "{}");
    const auto split = [](std::string_view text, std::size_t max = 9) {
        std::vector<std::string_view> out;
        return split_objects(text, max, out);
    };
    EXPECT_EQ(split("[]"), split_outcome::ok);
    EXPECT_EQ(split("[{},{},{}]", 2), split_outcome::too_many);
    EXPECT_EQ(split("[1]"), split_outcome::not_objects);
    EXPECT_EQ(split("[[]]"), split_outcome::not_objects);
    EXPECT_EQ(split("[{}{}]"), split_outcome::malformed);
    EXPECT_EQ(split("[{},]"), split_outcome::not_objects);
    EXPECT_EQ(split("[{}]x"), split_outcome::malformed);
    EXPECT_EQ(split("[] []"), split_outcome::malformed);
    EXPECT_EQ(split("["), split_outcome::malformed);
}

TEST(json_members, decodes_strings_within_their_bound) {
    EXPECT_EQ(decode_string(R"("plain")", 5), "plain");
    EXPECT_EQ(decode_string(R"("plain")", 4), std::nullopt);
    EXPECT_EQ(decode_string(R"("a\u00e9\n")", 20), "a\xc3\xa9\n");
    EXPECT_EQ(decode_string(R"("\ud800")", 20), std::nullopt);
    EXPECT_EQ(decode_string("12", 20), std::nullopt);
    EXPECT_EQ(decode_string("", 20), std::nullopt);
    EXPECT_EQ(decode_string("\"", 20), std::nullopt);
}

}  // namespace
}  // namespace common::mcp
