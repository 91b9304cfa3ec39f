#include "agent/history/transcript.hpp"

#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/history/record.hpp"
#include "tests/agent/history/written_file.hpp"

namespace agent::history::test {
namespace {

using nlohmann::json;

std::vector<json> parsed(const transcript& t) {
    std::vector<json> out;
    for (const auto& m : t.messages) out.push_back(json::parse(m));
    return out;
}

std::vector<json> captured(const std::string& name) {
    const auto t = read_transcript(fixture(name), "the session");
    EXPECT_TRUE(t) << name;
    EXPECT_FALSE(t->truncated);
    return parsed(*t);
}

std::string record_line(const std::string& type, const std::string& uuid, const json& message, const json& more = {}) {
    json all{{"type", type}, {"uuid", uuid}, {"timestamp", "2026-11-21T05:10:55.764Z"}, {"message", message}};
    if (more.is_object()) all.update(more);
    return all.dump() + "\n";
}

std::string user_line(const std::string& uuid, const std::string& text) {
    return record_line("user", uuid, {{"role", "user"}, {"content", text}});
}

class transcript_test : public ::testing::Test {
protected:
    std::vector<json> read(const std::string& content, bool truncated = false, const transcript_limit& limit = {}) {
        const auto t = read_transcript(files_.write("t.jsonl", content), "s", limit);
        EXPECT_TRUE(t);
        EXPECT_EQ(t->truncated, truncated);
        return parsed(*t);
    }
    written_files files_;
};

TEST(captured_transcript, joins_lines_of_one_message_and_results_with_their_calls) {
    const auto m = captured("tool_use.jsonl");
    ASSERT_EQ(m.size(), 3u);
    EXPECT_EQ(m[0]["role"], "user");
    EXPECT_EQ(m[0]["sessionId"], "the session");
    EXPECT_EQ(m[0]["parts"][0]["type"], "text");
    EXPECT_EQ(m[0]["time"]["created"], 1795237855764);

    EXPECT_EQ(m[1]["id"], "msg_fake000007");
    EXPECT_EQ(m[1]["model"], "claude-opus-5-5");
    ASSERT_EQ(m[1]["parts"].size(), 2u);
    EXPECT_EQ(m[1]["parts"][0]["id"], "msg_fake000007:0");
    EXPECT_EQ(m[1]["parts"][0]["text"], "I will run it");
    const auto& tool = m[1]["parts"][1];
    EXPECT_EQ(tool["id"], "toolu_fake7_1");
    EXPECT_EQ(tool["tool"], "Bash");
    EXPECT_EQ(tool["input"]["description"], "make file");
    EXPECT_EQ(tool["state"], "completed");
    EXPECT_EQ(tool["result"], "out");
    EXPECT_EQ(tool["resultText"], "out");
    EXPECT_EQ(m[2]["parts"][0]["text"], "finished");
}

TEST(captured_transcript, tells_a_compaction) {
    const auto m = captured("compact.jsonl");
    const auto boundary =
        std::ranges::find_if(m, [](const json& x) { return x["parts"][0].value("subtype", "") == "compact_boundary"; });
    ASSERT_NE(boundary, m.end());
    EXPECT_EQ((*boundary)["role"], "system");
    EXPECT_EQ((*boundary)["parts"][0]["data"]["compactMetadata"]["trigger"], "manual");
    const auto& summary = *std::next(boundary);
    EXPECT_EQ(summary["role"], "system") << "Claude's summary is no person's word";
    EXPECT_EQ(summary["parts"][0]["subtype"], "compact_summary");
    for (const auto& x : m) EXPECT_EQ(x.dump().find("local-command-caveat"), std::string::npos) << "meta is hidden";
    EXPECT_EQ(m.back()["parts"][0]["text"], "Hello from the fake API.");
}

TEST(captured_transcript, tells_refusals_errors_and_what_came_from_outside) {
    const auto m = captured("interactive_with_inbox_post.jsonl");
    std::size_t refused = 0;
    std::size_t posted = 0;
    for (const auto& x : m) {
        for (const auto& p : x["parts"]) {
            if (p["type"] == "tool_use" && p["state"] == "error") ++refused;
            if (p["type"] == "text" && p["text"].get<std::string>().find("posted by a script") != std::string::npos)
                ++posted;
            EXPECT_NE(p.value("subtype", ""), "turn_duration");
        }
    }
    EXPECT_EQ(refused, 1u);
    EXPECT_EQ(posted, 1u);

    const auto e = captured("api_error_529.jsonl");
    ASSERT_EQ(e.size(), 3u);
    EXPECT_EQ(e[1]["parts"][0]["subtype"], "api_error");
    EXPECT_EQ(e[1]["parts"][0]["data"]["message"], "529 fake 529");
    EXPECT_EQ(captured("resume_chain.jsonl").size(), 14u);
}

// Read from the raw records: what was said in the main conversation, nothing of what claude keeps for itself.
TEST(captured_transcript, says_all_that_was_said_and_nothing_else) {
    const std::set<std::string> bookkeeping = {
        "agent-name",  "api-request", "api-request-blob", "api-request-shape",  "atis-latch",
        "attachment",  "cost-state",  "custom-title",     "file-history-delta", "file-history-snapshot",
        "last-prompt", "mode",        "permission-mode",  "permission-mode",    "queue-operation",
        "tools-used"};
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator(CODEZ_TRANSCRIPTS)) {
        ++files;
        std::multiset<std::string> expected, ids;
        record_parser parser;
        std::ifstream in(file.path());
        for (std::string line; std::getline(in, line);) {
            EXPECT_TRUE(parser.read(line)) << file.path() << line.substr(0, 200);
            const json all = json::parse(line);
            const std::string type = all["type"];
            if (type != "user" && type != "assistant" && type != "system")
                EXPECT_TRUE(bookkeeping.contains(type)) << file.path() << ": " << type;
            const bool posted = all.contains("origin") && all["origin"].value("kind", "") == "peer";
            if (all.value("isSidechain", false) || (all.value("isMeta", false) && !posted)) continue;
            if (type == "assistant")
                for (const auto& block : all["message"]["content"])
                    expected.insert(block["type"] == "tool_use" ? block["input"].dump() : block.value("text", ""));
            if (type == "user" && all["message"]["content"].is_string() && !all.value("isCompactSummary", false))
                expected.insert(all["message"]["content"]);
        }
        for (const auto& message : captured(file.path().filename()))
            for (const auto& part : message["parts"]) {
                EXPECT_FALSE(ids.contains(part["id"])) << file.path() << part["id"];
                ids.insert(part["id"]);
                const bool tool = part["type"] == "tool_use";
                if (tool) EXPECT_NE(part["state"], "running") << file.path() << part;
                if (!tool && part["type"] != "text" && part["type"] != "thinking") continue;
                const std::string said = tool ? part["input"].dump() : part["text"].get<std::string>();
                const auto found = expected.find(said);
                if (found != expected.end())
                    expected.erase(found);
                else
                    EXPECT_EQ(message["role"], "user") << file.path() << said;
            }
        EXPECT_TRUE(expected.empty()) << file.path() << *expected.begin();
    }
    EXPECT_GE(files, 8u);
}

TEST_F(transcript_test, passes_over_what_it_cannot_use) {
    const std::string bomb = R"({"type":"user","uuid":"b","message":{"content":)" + std::string(100'000, '[') + "\n";
    const auto m =
        read("\n\n{}\n[1]\nnull\nno json\n" + std::string("\x00\xff\xfe\n", 4) + bomb + user_line("u1", "one") +
             R"({"type":"user","uuid":"u2","message":7})" + "\n" + R"({"type":"user","uuid":3})" + "\n" +
             "{\"type\":\"user\",\"uuid\":\"\xff\"}\n" + user_line("u1", "the same again") +
             record_line("user", "side", {{"content", "side"}}, {{"isSidechain", true}}) +
             record_line("user", "meta", {{"content", "meta"}}, {{"isMeta", true}}) +
             record_line("attachment", "a", {{"content", "x"}}) + user_line("u3", "two") +
             user_line("u4", "half").substr(0, 60));
    ASSERT_EQ(m.size(), 2u);
    EXPECT_EQ(m[0]["id"], "u1");
    EXPECT_EQ(m[1]["parts"][0]["text"], "two");
}

TEST_F(transcript_test, keeps_the_newest_messages_within_the_bounds) {
    std::string content;
    for (int i = 0; i < 100; ++i) content += user_line("u" + std::to_string(i), std::string(1000, 'x'));
    transcript_limit limit;
    limit.messages = 7;
    auto m = read(content, true, limit);
    ASSERT_EQ(m.size(), 7u);
    EXPECT_EQ(m[0]["id"], "u93");
    limit = {};
    limit.bytes = 5000;
    m = read(content, true, limit);
    EXPECT_LE(m.size(), 4u);
    EXPECT_EQ(m.back()["id"], "u99");
    limit = {};
    limit.file_bytes = 5000;
    m = read(content, true, limit);
    EXPECT_EQ(m.size(), 4u) << "the line that the tail cuts is left out";
    EXPECT_EQ(m.back()["id"], "u99");
}

TEST_F(transcript_test, knows_where_it_ended) {
    const std::string first = user_line("u1", "one");
    const std::string second = user_line("u2", "two");
    const auto file = files_.write("t.jsonl", first + second + "{\"type\":\"us");
    const auto all = read_transcript(file, "s");
    ASSERT_TRUE(all);
    EXPECT_EQ(all->end_offset, static_cast<std::int64_t>(first.size() + second.size()));
    transcript_limit before;
    before.end_offset = static_cast<std::int64_t>(first.size());
    const auto part = read_transcript(file, "s", before);
    ASSERT_EQ(part->messages.size(), 1u);
    EXPECT_EQ(part->end_offset, before.end_offset);
}

TEST_F(transcript_test, huge_lines_texts_and_values_are_bounded) {
    json blocks = json::array(
        {{{"type", "text"}, {"text", std::string(600'000, 'a') + "ä"}},
         {{"type", "tool_use"}, {"id", "t"}, {"name", "Write"}, {"input", {{"c", std::string(300'000, 'b')}}}}});
    const auto m = read(record_line("assistant", "a1", {{"id", "m1"}, {"content", blocks}}) +
                        user_line("huge", std::string(17u << 20, 'x')) + user_line("after", "still read"));
    ASSERT_EQ(m.size(), 2u);
    EXPECT_EQ(m[0]["parts"][0]["text"].get<std::string>().size(), 512u * 1024);
    EXPECT_EQ(m[0]["parts"][0]["truncated"], true);
    EXPECT_EQ(m[0]["parts"][1]["input"]["truncated"], true);
    EXPECT_EQ(m[0]["parts"][1]["state"], "running");
    EXPECT_EQ(m[1]["id"], "after");
}

TEST_F(transcript_test, a_result_whose_call_is_not_there_stands_alone) {
    const json result = json::array({{{"type", "tool_result"},
                                      {"tool_use_id", "t9"},
                                      {"content", json::array({{{"type", "text"}, {"text", "x"}}})}}});
    const auto m = read(record_line("user", "u1", {{"content", result}}));
    ASSERT_EQ(m.size(), 1u);
    EXPECT_EQ(m[0]["parts"][0]["type"], "tool_result");
    EXPECT_EQ(m[0]["parts"][0]["toolUseId"], "t9");
    EXPECT_EQ(m[0]["parts"][0]["content"][0]["text"], "x");
}

TEST_F(transcript_test, reads_regular_files_only) {
    files_.write("real.jsonl", user_line("u1", "one"));
    std::filesystem::create_symlink("real.jsonl", files_.path() / "link.jsonl");
    ASSERT_EQ(::mkfifo((files_.path() / "pipe.jsonl").c_str(), 0600), 0);
    for (const char* name : {"link.jsonl", "pipe.jsonl", "missing.jsonl", "."}) {
        const auto t = read_transcript(files_.path() / name, "s");
        ASSERT_FALSE(t) << name;
        EXPECT_EQ(t.error().code, proto::error_code::not_found);
    }
}

}  // namespace
}  // namespace agent::history::test
