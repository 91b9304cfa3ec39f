// The JSON documents around a holder: what goes in comes out, what is wrong is named.
#include "agent/hold/start.hpp"

#include <gtest/gtest.h>

namespace agent::hold {
namespace {

spawn_spec sample() {
    spawn_spec s;
    s.session_id = "6c0c0000-0000-4000-8000-000000000001";
    s.directory = "/state/hold/6c0c";
    s.lock_file = "/state/lock/6c0c";
    s.argv = {"/usr/bin/claude", "-p", "--verbose", "ä \"quoted\""};
    s.env = {{"HOME", "/home/me"}, {"EMPTY", ""}};
    s.cwd = "/home/me/project";
    s.lease = std::chrono::seconds(7);
    return s;
}

std::string complaint_about(const spawn_spec& s) {
    const auto text = to_json(s);
    return text ? "" : text.error();
}

TEST(start_test, a_spawn_spec_survives_the_journey) {
    const auto text = to_json(sample());
    ASSERT_TRUE(text);
    const auto back = parse_spawn_spec(*text);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->argv, sample().argv);
    EXPECT_EQ(back->env, sample().env);
    EXPECT_EQ(back->directory, sample().directory);
    EXPECT_EQ(back->lock_file, sample().lock_file);
    EXPECT_EQ(back->cwd, sample().cwd);
    EXPECT_EQ(back->lease, sample().lease);
    EXPECT_EQ(back->session_id, sample().session_id);
    EXPECT_EQ(back->spool_bytes_max, sample().spool_bytes_max);
}

TEST(start_test, a_wrong_member_is_named) {
    auto s = sample();
    s.argv = {"claude"};
    EXPECT_NE(complaint_about(s).find("argv"), std::string::npos);
    s = sample();
    s.cwd = "project";
    EXPECT_NE(complaint_about(s).find("cwd"), std::string::npos);
    s = sample();
    s.env["A=B"] = "x";
    EXPECT_NE(complaint_about(s).find("env"), std::string::npos);
    s = sample();
    s.spool_segment_bytes = 1;
    EXPECT_NE(complaint_about(s).find("spool_segment_bytes"), std::string::npos);
    s = sample();
    s.session_id.clear();
    EXPECT_NE(complaint_about(s).find("session_id"), std::string::npos);
    s = sample();
    s.argv.push_back(std::string("a\0b", 3));
    EXPECT_NE(complaint_about(s).find("NUL"), std::string::npos);
}

TEST(start_test, bytes_that_json_cannot_carry_are_refused_and_not_replaced) {
    auto s = sample();
    s.argv.push_back("\xff");
    EXPECT_NE(complaint_about(s).find("UTF-8"), std::string::npos);
}

TEST(start_test, a_spec_cut_short_anywhere_is_refused) {
    const auto text = *to_json(sample());
    for (std::size_t length = 0; length < text.size(); ++length)
        EXPECT_FALSE(parse_spawn_spec(std::string_view(text).substr(0, length)));
}

TEST(start_test, a_report_survives_the_journey) {
    EXPECT_EQ(parse_start_report(to_json(start_report(4711))), start_report(4711));
    const hold_error locked{hold_errc::locked, "Another process runs it."};
    const auto back = parse_start_report(to_json(start_report(std::unexpected(locked))));
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().code, hold_errc::locked);
    EXPECT_EQ(back.error().message, locked.message);
}

TEST(start_test, no_report_is_a_failed_start) {
    for (const char* text : {"", "{", "[]", "{\"claude_pid\":\"x\"}", "{\"error\":\"locked\"}"}) {
        const auto report = parse_start_report(text);
        ASSERT_FALSE(report) << text;
        EXPECT_EQ(report.error().code, hold_errc::start_failed) << text;
    }
}

TEST(start_test, an_exit_record_survives_even_with_bytes_that_are_not_text) {
    exit_info info;
    info.signal = 9;
    info.stderr_tail = "caf\xe9";
    const auto back = parse_exit_info(to_json(info));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->signal, 9);
    EXPECT_FALSE(back->code);
    EXPECT_EQ(back->stderr_tail, "caf\xef\xbf\xbd");
    EXPECT_FALSE(parse_exit_info("{\"stderr_tail\":\"x\"}"));
    EXPECT_FALSE(parse_exit_info("{\"code\":0"));
}

}  // namespace
}  // namespace agent::hold
