// Error codes and envelopes: names, round trip, bounds, hostile input.
#include "proto/error.hpp"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "proto/limits.hpp"

namespace proto {
namespace {

TEST(error, every_code_has_a_name_of_its_own_that_parses_back) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(error_code::internal); ++i) {
        const auto code = static_cast<error_code>(i);
        EXPECT_EQ(parse_error_code(to_string(code)), code);
        names.insert(to_string(code));
    }
    EXPECT_EQ(names.size(), 19U);
    EXPECT_EQ(parse_error_code("nonsense"), std::nullopt);
}

TEST(error, envelope_has_the_documented_members) {
    const error e{error_code::machine_ambiguous, "Two machines fit.", "Pass `machine`.", R"({"machines":["a","b"]})"};
    EXPECT_EQ(to_json(e, "req_1"),
              R"({"code":"machine_ambiguous","message":"Two machines fit.","hint":"Pass `machine`.",)"
              R"("retryable":false,"request_id":"req_1","details":{"machines":["a","b"]}})");
    EXPECT_EQ(parse_error(to_json(e, "req_1")), e);
}

TEST(error, what_may_have_acted_is_not_retryable) {
    EXPECT_TRUE(is_retryable(error_code::machine_offline));
    EXPECT_FALSE(is_retryable(error_code::unknown_outcome));
    EXPECT_FALSE(is_retryable(error_code::internal));
}

TEST(error, envelope_stays_valid_and_bounded_whatever_is_in_it) {
    const error e{error_code::internal, std::string(100'000, '\x01'), std::string(100'000, '\xFF'),
                  "{\"a\":\"" + std::string(100'000, 'x') + "\"}"};
    const auto text = to_json(e, std::string(1000, '\x02'));
    EXPECT_LE(text.size(), limits::error_bytes_max);
    EXPECT_TRUE(parse_error(text).has_value());
    EXPECT_FALSE(nlohmann::json::parse(text).contains("details"));
}

TEST(error, message_is_not_cut_inside_a_character) {
    std::string message;
    while (message.size() < 4000) message += "\xE2\x82\xAC";
    const auto parsed = parse_error(to_json({error_code::internal, message, "", ""}, ""));
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(message.starts_with(parsed->message.substr(0, parsed->message.size() - 3)));
    EXPECT_TRUE(parsed->message.ends_with("\xE2\x82\xAC..."));
}

TEST(error, details_that_are_no_object_are_left_out) {
    for (const auto* details : {"[1]", "{", "null", "{}{}"})
        EXPECT_FALSE(nlohmann::json::parse(to_json({error_code::internal, "m", "", details}, "")).contains("details"));
}

TEST(error, parse_refuses_what_is_no_envelope) {
    for (const auto* text : {"", "null", "[]", "{}", R"({"code":"internal"})", R"({"code":1,"message":"m"})",
                             R"({"code":"internal","message":2})", R"({"code":"internal","message":"m"}x)"})
        EXPECT_EQ(parse_error(text), std::nullopt) << text;
    EXPECT_EQ(parse_error("{\"code\":\"internal\",\"message\":\"" + std::string(100'000, 'x') + "\"}"), std::nullopt);
}

TEST(error, unknown_codes_of_newer_peers_become_internal) {
    const auto parsed = parse_error(R"({"code":"from_the_future","message":"m"})");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->code, error_code::internal);
    EXPECT_EQ(parsed->message, "m");
}

TEST(error, fail_makes_an_unexpected) {
    const result<int> r = fail(error_code::timeout, "Too late.", "Again.");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error(), (error{error_code::timeout, "Too late.", "Again.", ""}));
}

}  // namespace
}  // namespace proto
