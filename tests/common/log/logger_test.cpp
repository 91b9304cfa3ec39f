#include "common/log/logger.hpp"

#include <algorithm>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <nlohmann/json.hpp>

namespace common::log {
namespace {

class capture {
public:
    explicit capture(format f, level lowest = level::debug)
        : log(f, lowest, std::make_shared<spdlog::sinks::ostream_sink_mt>(out_, true)) {}
    std::string text() const { return out_.str(); }

private:
    std::ostringstream out_;

public:
    logger log;
};

TEST(logger, writes_one_json_object_a_line) {
    capture c(format::json);
    c.log.info("machine linked", {{"machine", "m_1"}, {"epoch", 3}, {"fresh", true}, {"load", 0.5}});
    const auto line = nlohmann::json::parse(c.text());
    EXPECT_EQ(line["level"], "info");
    EXPECT_EQ(line["message"], "machine linked");
    EXPECT_EQ(line["machine"], "m_1");
    EXPECT_EQ(line["epoch"], 3);
    EXPECT_EQ(line["fresh"], true);
    EXPECT_EQ(line["load"], 0.5);
    EXPECT_TRUE(line["time"].get<std::string>().ends_with("Z"));
}

TEST(logger, nobody_can_forge_a_line) {
    const std::string evil = "x\r\n{\"level\":\"fatal\"} \x1b[31m \x7f \xc2\x9b \" \\ {} {0}";
    for (const auto f : {format::json, format::human}) {
        capture c(f);
        c.log.info(evil, {{"agent", evil}});
        const auto text = c.text();
        EXPECT_EQ(std::ranges::count(text, '\n'), 1);
        EXPECT_EQ(text.find('\x1b'), std::string::npos);
        EXPECT_EQ(text.find('\x7f'), std::string::npos);
        EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
        EXPECT_EQ(text.find('\r'), std::string::npos);
        if (f == format::json) {
            EXPECT_EQ(nlohmann::json::parse(text)["agent"], evil);
        }
    }
}

TEST(logger, cuts_long_fields_and_mends_invalid_utf8) {
    capture c(format::json);
    c.log.info("m", {{"long", std::string(5000, 'x')}, {"half", std::string(2047, 'x') + "\xc3\xa4"}, {"bad", "\xff"}});
    const auto line = nlohmann::json::parse(c.text());
    EXPECT_EQ(line["long"].get<std::string>().size(), logger::field_bytes_max);
    EXPECT_EQ(line["half"], std::string(2047, 'x') + "\uFFFD");
    EXPECT_EQ(line["bad"], "\uFFFD");
}

TEST(logger, keeps_to_its_level) {
    capture c(format::human, level::warning);
    c.log.debug("a");
    c.log.info("b");
    EXPECT_EQ(c.text(), "");
    c.log.warning("c", {{"who", "me"}, {"what", "two words"}});
    c.log.error("d");
    EXPECT_NE(c.text().find("warning c who=me what=\"two words\"\n"), std::string::npos);
    EXPECT_NE(c.text().find("error   d\n"), std::string::npos);
}

TEST(logger, parses_names) {
    EXPECT_EQ(parse_level("warning"), level::warning);
    EXPECT_FALSE(parse_level("loud"));
    EXPECT_EQ(parse_format("human"), format::human);
    EXPECT_FALSE(parse_format(""));
}

TEST(logger, a_number_that_json_lacks_is_null) {
    capture c(format::json);
    c.log.info("m", {{"n", std::numeric_limits<double>::quiet_NaN()}});
    EXPECT_TRUE(nlohmann::json::parse(c.text())["n"].is_null());
}

}  // namespace
}  // namespace common::log
