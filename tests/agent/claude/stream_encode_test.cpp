#include "agent/claude/stream_encode.hpp"

#include <gtest/gtest.h>

namespace agent::claude {
namespace {

using json = nlohmann::json;

TEST(StreamEncode, APromptIsOneLineThatClaudeDoesNotExpand) {
    const std::string line = encode_prompt("aaaaaaaa-0000-4000-8000-000000000001", "line one\nline two @file /clear");
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const json read = json::parse(line);
    EXPECT_EQ(read["type"], "user");
    EXPECT_EQ(read["uuid"], "aaaaaaaa-0000-4000-8000-000000000001");
    EXPECT_EQ(read["client_composed"], true);
    EXPECT_EQ(read["message"]["content"], "line one\nline two @file /clear");
    EXPECT_TRUE(read["parent_tool_use_id"].is_null());
}

TEST(StreamEncode, OnlyCompactIsACommand) {
    const auto composed = [](const char* text) {
        return json::parse(encode_prompt("u", text)).contains("client_composed");
    };
    for (const char* run : {"/compact", "/compact keep the names", "/compact\nkeep @all"}) {
        EXPECT_FALSE(composed(run)) << run;
        EXPECT_EQ(command_in(run), command::compact);
    }
    for (const char* text : {"/compactor", " /compact", "/Compact", "compact", "/cost", "/", ""}) {
        EXPECT_TRUE(composed(text)) << text;
        EXPECT_EQ(command_in(text), command::none);
    }
    for (const char* refused : {"/clear", "/reset\n", "/new idea"}) {
        EXPECT_TRUE(composed(refused)) << refused;
        EXPECT_EQ(command_in(refused), command::clear);
    }
}

TEST(StreamEncode, BrokenUtf8NeverMakesABrokenLine) {
    EXPECT_EQ(json::parse(encode_prompt("u", "a\xff z"))["message"]["content"], "a\xEF\xBF\xBD z");
}

TEST(StreamEncode, AnswersCarryOnlyWhatWasGiven) {
    const json allow = json::parse(encode_allow("r1", nullptr, nullptr))["response"];
    EXPECT_EQ(allow["request_id"], "r1");
    EXPECT_EQ(allow["response"], json({{"behavior", "allow"}}));
    const json changed = json::parse(encode_allow("r1", {{"command", "ls"}}, json::array()))["response"]["response"];
    EXPECT_EQ(changed["updatedInput"]["command"], "ls");
    EXPECT_TRUE(changed["updatedPermissions"].is_array());
}

TEST(StreamEncode, ChangesAreControlRequests) {
    const auto request = [](const std::string& line) {
        const json read = json::parse(line);
        EXPECT_EQ(read["type"], "control_request");
        EXPECT_EQ(read["request_id"], "r");
        return read["request"];
    };
    EXPECT_EQ(request(encode_rename("r", "T"))["title"], "T");
    EXPECT_EQ(request(encode_set_model("r", "opus")), json({{"subtype", "set_model"}, {"model", "opus"}}));
    EXPECT_EQ(request(encode_set_effort("r", "max"))["settings"], json({{"effortLevel", "max"}}));
    EXPECT_EQ(request(encode_rewind_files("r", "u", false)),
              json({{"subtype", "rewind_files"}, {"user_message_id", "u"}}));
    EXPECT_EQ(request(encode_rewind_files("r", "u", true))["dry_run"], true);
}

TEST(StreamEncode, ADenialAlwaysHasAText) {
    EXPECT_EQ(json::parse(encode_deny("r", "not now"))["response"]["response"]["message"], "not now");
    EXPECT_NE(json::parse(encode_deny("r", ""))["response"]["response"]["message"], "");
    EXPECT_EQ(json::parse(encode_deny("r", ""))["response"]["response"]["interrupt"], false);
    EXPECT_EQ(json::parse(encode_deny("r", "", after_denial::interrupt))["response"]["response"]["interrupt"], true);
}

TEST(StreamEncode, AnInterruptDropsWhatIsQueued) {
    const json read = json::parse(encode_interrupt("i"));
    EXPECT_EQ(read["request"]["subtype"], "interrupt");
    EXPECT_EQ(read["request"]["cancel_queued"], true);
}

TEST(StreamEncode, ARequestThatIsNotServedIsRefused) {
    const json read = json::parse(encode_refusal("h1", "hook_callback"))["response"];
    EXPECT_EQ(read["subtype"], "error");
    EXPECT_EQ(read["request_id"], "h1");
}

TEST(StreamEncode, ImagesStandBeforeTheTextOfTheirPrompt) {
    const json content = json::parse(encode_prompt("u", "what is it?", {{"image/png", "AAAA"}}))["message"]["content"];
    EXPECT_EQ(content,
              json::parse(R"([{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
                                       {"type":"text","text":"what is it?"}])"));
}

}  // namespace
}  // namespace agent::claude
