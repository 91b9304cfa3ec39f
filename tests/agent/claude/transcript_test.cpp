#include "agent/claude/transcript.hpp"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace agent::claude {
namespace fs = std::filesystem;
namespace {

TEST(Transcript, SlugsAreClaudesOwn) {
    // Measured with the real program.
    EXPECT_EQ(project_slug("/tmp/a.b_c d-é"), "-tmp-a-b-c-d--");
    EXPECT_EQ(project_slug("/tmp/😀"), "-tmp---");
    const std::string longer = "/" + std::string(250, 'a');
    const std::string slug = project_slug(longer);
    EXPECT_EQ(slug.substr(0, 200), "-" + std::string(199, 'a'));
    EXPECT_EQ(slug[200], '-');
    EXPECT_GT(slug.size(), 201u);
}

TEST(Transcript, TheConfigDirectoryCanBeMoved) {
    EXPECT_EQ(config_directory({{"HOME", "/h"}}), "/h/.claude");
    EXPECT_EQ(config_directory({{"HOME", "/h"}, {"CLAUDE_CONFIG_DIR", "/c"}}), "/c");
}

TEST(Transcript, IsFoundUnderAnyProjectAndSearchedForAPrompt) {
    char name[] = "/tmp/codez-transcript-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    const fs::path root = name;
    const variables environment = {{"CLAUDE_CONFIG_DIR", root.string()}};
    EXPECT_FALSE(find_transcript(environment, "/a", "s1"));
    fs::create_directories(root / "projects" / "-elsewhere");
    const fs::path file = root / "projects" / "-elsewhere" / "s1.jsonl";
    std::ofstream(file) << R"({"type":"queue-operation"})" << '\n'
                        << std::string(3u << 20, 'x') << '\n'
                        << R"({"parentUuid":"p-1","type":"user","uuid":"u-1"})" << '\n';
    EXPECT_EQ(find_transcript(environment, "/a", "s1"), file);
    EXPECT_TRUE(transcript_has(file, "u-1"));
    EXPECT_FALSE(transcript_has(file, "p-1"));
    EXPECT_FALSE(transcript_has(root / "none", "u-1"));
    fs::remove_all(root);
}

}  // namespace
}  // namespace agent::claude
