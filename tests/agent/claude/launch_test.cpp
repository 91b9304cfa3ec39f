#include "agent/claude/launch.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace agent::claude {
namespace {

launch plain() {
    launch what;
    what.program = "/opt/claude";
    what.session_id = "bbbbbbbb-0000-4000-8000-000000000001";
    return what;
}

bool has(const std::vector<std::string>& arguments, const std::string& wanted) {
    return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

TEST(Launch, SpeaksStreamJsonAndAsksUs) {
    const auto arguments = claude::arguments(plain());
    EXPECT_EQ(arguments[0], "/opt/claude");
    for (const char* wanted :
         {"-p", "--output-format=stream-json", "--input-format=stream-json", "--verbose",
          "--permission-prompt-tool=stdio", "--permission-mode=default", "--setting-sources=user,project,local",
          "--session-id=bbbbbbbb-0000-4000-8000-000000000001"})
        EXPECT_TRUE(has(arguments, wanted)) << wanted;
    EXPECT_FALSE(has(arguments, "--include-partial-messages"));
}

TEST(Launch, MayReadItsFilesWithoutAsking) {
    auto what = plain();
    what.readable = "/home/a b/files";
    EXPECT_TRUE(has(claude::arguments(what), "--allowedTools=Read(//home/a b/files/**)"));
}

TEST(Launch, ResumesInsteadOfBeginning) {
    auto what = plain();
    what.resume = true;
    what.model = "opus";
    what.include_partial_messages = true;
    what.setting_sources = {};
    const auto arguments = claude::arguments(what);
    EXPECT_TRUE(has(arguments, "--resume=" + what.session_id));
    EXPECT_FALSE(has(arguments, "--session-id=" + what.session_id));
    EXPECT_TRUE(has(arguments, "--model=opus"));
    EXPECT_TRUE(has(arguments, "--include-partial-messages"));
    EXPECT_TRUE(has(arguments, "--setting-sources="));
}

TEST(Launch, AForkBeginsWithACopyAndResumesAsItself) {
    auto what = plain();
    what.fork_of = "cccccccc-0000-4000-8000-000000000002";
    what.fork_at = "a-1";
    auto arguments = claude::arguments(what);
    for (const std::string& wanted : {"--resume=" + what.fork_of, std::string("--fork-session"),
                                      std::string("--resume-session-at=a-1"), "--session-id=" + what.session_id})
        EXPECT_TRUE(has(arguments, wanted)) << wanted;
    what.resume = true;
    arguments = claude::arguments(what);
    EXPECT_TRUE(has(arguments, "--resume=" + what.session_id));
    EXPECT_FALSE(has(arguments, "--fork-session"));
}

TEST(Launch, TheEnvironmentIsTheAgentsWithoutWhatIsOurs) {
    auto what = plain();
    what.depth = 1;
    const variables own = {{"PATH", "/bin"},
                           {"HOME", "/h"},
                           {"ANTHROPIC_API_KEY", "k"},
                           {"CLAUDE_CONFIG_DIR", "/c"},
                           {"CODEZ_JOIN", "t"},
                           {"CODEZ_DEPTH", "7"},
                           {"NOTIFY_SOCKET", "s"},
                           {"CLAUDECODE", "1"},
                           {"CLAUDE_CODE_SSE_PORT", "1"},
                           {"CLAUDE_CODE_MAX_RETRIES", "2"}};
    const variables expected = {{"PATH", "/bin"},
                                {"HOME", "/h"},
                                {"ANTHROPIC_API_KEY", "k"},
                                {"CLAUDE_CONFIG_DIR", "/c"},
                                {"CLAUDE_CODE_MAX_RETRIES", "2"},
                                {"CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS", "1"},
                                {"CODEZ_SESSION_ID", what.session_id},
                                {"CODEZ_DEPTH", "2"}};
    EXPECT_EQ(environment(what, own), expected);
}

}  // namespace
}  // namespace agent::claude
