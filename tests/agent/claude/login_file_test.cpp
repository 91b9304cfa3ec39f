#include "agent/claude/login_file.hpp"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace agent::claude {
namespace {

namespace fs = std::filesystem;

class login_file_test : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/codez-login-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
        file_ = directory_ / "claude.env";
    }
    void TearDown() override { fs::remove_all(directory_); }
    void write(const std::string& text, fs::perms mode = fs::perms::owner_read | fs::perms::owner_write) {
        std::ofstream(file_) << text;
        fs::permissions(file_, mode);
    }
    std::string error() {
        const auto read = read_login_file(file_);
        return read ? "" : read.error();
    }

    fs::path directory_;
    fs::path file_;
};

TEST_F(login_file_test, no_file_is_no_variables) { EXPECT_EQ(read_login_file(file_), variables()); }

TEST_F(login_file_test, reads_names_and_values) {
    write(
        "# Claude's login\nANTHROPIC_API_KEY=sk-1=2\n\nexport CLAUDE_CODE_OAUTH_TOKEN=\"a b\"\r\n  X_1 = 'q'  \nEMPTY=");
    const variables expected{
        {"ANTHROPIC_API_KEY", "sk-1=2"}, {"CLAUDE_CODE_OAUTH_TOKEN", "a b"}, {"X_1", "q"}, {"EMPTY", ""}};
    EXPECT_EQ(read_login_file(file_), expected);
}

TEST_F(login_file_test, a_file_that_others_may_use_is_refused) {
    for (const auto mode : {fs::perms::group_read, fs::perms::others_read, fs::perms::group_write}) {
        write("A=b", fs::perms::owner_read | fs::perms::owner_write | mode);
        EXPECT_NE(error().find("chmod 600 " + file_.string()), std::string::npos) << error();
    }
}

TEST_F(login_file_test, a_link_or_a_directory_is_refused) {
    write("A=b");
    fs::rename(file_, directory_ / "elsewhere");
    fs::create_symlink(directory_ / "elsewhere", file_);
    EXPECT_NE(error().find("symbolic link"), std::string::npos);
    fs::remove(file_);
    fs::create_directory(file_);
    EXPECT_NE(error().find("not a regular file"), std::string::npos);
}

TEST_F(login_file_test, a_bad_line_is_named_and_never_quoted) {
    for (const std::string line : {"sk-secret", "=sk-secret", "1A=sk-secret", "A B=sk-secret", "CODEZ_HOME=sk-secret",
                                   "HOME=sk-secret", "CLAUDE_CONFIG_DIR=sk-secret"}) {
        write("# first\n" + line + "\n");
        EXPECT_NE(error().find("line 2"), std::string::npos) << line;
        EXPECT_EQ(error().find("sk-secret"), std::string::npos) << line;
    }
    write(std::string("A=b\0c", 5));
    EXPECT_NE(error().find("not a text file"), std::string::npos);
    write("A=" + std::string(70'000, 'x'));
    EXPECT_NE(error().find("64 KiB"), std::string::npos);
}

}  // namespace
}  // namespace agent::claude
