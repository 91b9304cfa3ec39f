#include "agent/claude/registry.hpp"

#include <fstream>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace agent::claude {
namespace {

namespace fs = std::filesystem;

class registry_test : public testing::Test {
protected:
    registry_test() {
        std::string name = (fs::temp_directory_path() / "codez-registry-XXXXXX").string();
        config_ = ::mkdtemp(name.data());
        fs::create_directories(config_ / "sessions");
    }
    ~registry_test() override { fs::remove_all(config_); }

    void entry(const std::string& name, const std::string& text) { std::ofstream(config_ / "sessions" / name) << text; }
    std::optional<running_claude> find(const std::string& id) const {
        return find_running(config_, id,
                            [](pid_t pid) { return pid == 7 ? std::optional<std::string>("70") : std::nullopt; });
    }

    fs::path config_;
};

TEST_F(registry_test, finds_who_has_a_session_open) {
    entry("7.json", R"({"pid":7,"sessionId":"s","procStart":70,"kind":"interactive"})");
    ASSERT_TRUE(find("s"));
    EXPECT_EQ(find("s")->pid, 7);
    EXPECT_TRUE(find("s")->interactive);
    EXPECT_FALSE(find("other"));
    entry("7.json", R"({"pid":7,"sessionId":"s","procStart":"70","entrypoint":"sdk-cli"})");
    ASSERT_TRUE(find("s"));
    EXPECT_FALSE(find("s")->interactive);
}

TEST_F(registry_test, entries_of_processes_that_are_gone_do_not_count) {
    entry("8.json", R"({"pid":8,"sessionId":"s","procStart":80})");
    EXPECT_FALSE(find("s"));
    entry("7.json", R"({"pid":7,"sessionId":"s","procStart":69})");
    EXPECT_FALSE(find("s")) << "another process has its number now";
}

TEST_F(registry_test, whatever_else_lies_there_is_passed_over) {
    entry("x.json", R"({"sessionId":"s"})");
    entry("-7.json", R"({"sessionId":"s"})");
    entry("7.key", R"({"sessionId":"s"})");
    entry("7.json", "{\"sessionId\":\"s\"");
    EXPECT_FALSE(find("s"));
    fs::remove(config_ / "sessions/7.json");
    fs::create_directory(config_ / "sessions/7.json");
    EXPECT_FALSE(find("s"));
    fs::remove_all(config_ / "sessions");
    EXPECT_FALSE(find("s"));
}

TEST(process_start, tells_the_same_of_one_process) {
    const auto own = process_start(::getpid());
    ASSERT_TRUE(own);
    EXPECT_FALSE(own->empty());
    EXPECT_EQ(own->find_first_not_of("0123456789"), std::string::npos) << *own;
    EXPECT_EQ(process_start(::getpid()), own);
    EXPECT_FALSE(process_start(1 << 30));
}

TEST(process_start, a_zombie_has_ended) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(0);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);  // it stays a zombie
    EXPECT_FALSE(process_start(child));
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

}  // namespace
}  // namespace agent::claude
