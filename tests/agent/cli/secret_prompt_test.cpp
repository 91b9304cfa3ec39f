// A person at a terminal, played over a pseudo-terminal by the parent of a process that asks.
#include "agent/cli/secret_prompt.hpp"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <sstream>

#include <gtest/gtest.h>

namespace agent::cli::test {
namespace {

class terminal_test : public testing::Test {
protected:
    // Asks in a child whose terminal it is; the child's status is 0 if the answer was `expected`.
    void ask(const std::string& expected) {
        pid_ = ::forkpty(&master_, nullptr, nullptr, nullptr);
        ASSERT_GE(pid_, 0);
        if (pid_ == 0) {
            const auto answer = ask_secret("Secret: ");
            ::_exit(answer && *answer == expected ? 0 : 1);
        }
        seen_ = read_until("Secret: ");
    }
    ~terminal_test() override {
        if (master_ >= 0) ::close(master_);
    }
    bool echoes() const {
        termios state{};
        ::tcgetattr(master_, &state);
        return (state.c_lflag & ECHO) != 0;
    }
    void type(const std::string& text) const {
        ASSERT_EQ(::write(master_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    std::string read_until(const std::string& wanted) const {
        std::string out;
        char c = 0;
        while (out.find(wanted) == std::string::npos && ::read(master_, &c, 1) == 1) out += c;
        return out;
    }
    std::string rest() const { return read_until(std::string(1, '\0')); }
    int status() {
        int status = 0;
        EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
        return status;
    }

    pid_t pid_ = -1;
    int master_ = -1;
    std::string seen_;
};

TEST_F(terminal_test, what_is_typed_is_not_shown_and_afterwards_is_again) {
    ask("czj_secret");
    EXPECT_FALSE(echoes());
    type(" czj_secret \n");
    EXPECT_EQ(rest().find("czj_secret"), std::string::npos);
    EXPECT_TRUE(echoes());
    EXPECT_EQ(status(), 0);
}

TEST_F(terminal_test, an_interrupt_ends_it_with_the_terminal_as_it_was) {
    ask("");
    type("half\x03");
    rest();
    EXPECT_TRUE(echoes());
    const int ended = status();
    ASSERT_TRUE(WIFSIGNALED(ended));
    EXPECT_EQ(WTERMSIG(ended), SIGINT);
}

TEST_F(terminal_test, the_end_of_the_input_is_no_answer) {
    ask("never");
    type("\x04");
    rest();
    const int ended = status();
    ASSERT_TRUE(WIFEXITED(ended));
    EXPECT_EQ(WEXITSTATUS(ended), 1);
    EXPECT_TRUE(echoes());
}

TEST(first_line, is_trimmed_and_bounded) {
    const auto line = [](const std::string& text) {
        std::istringstream in(text);
        return first_line(in);
    };
    EXPECT_EQ(line("  token \r\nsecond"), "token");
    EXPECT_EQ(line("token"), "token");
    EXPECT_EQ(line(""), "");
    EXPECT_EQ(line(" \n x"), "");
    EXPECT_EQ(line(std::string(100'000, 'x')).size(), 4096u);
}

}  // namespace
}  // namespace agent::cli::test
