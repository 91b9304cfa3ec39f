// The whole way: a client, a real holder process, a child that stands for claude.
#include "tests/agent/hold/hold_fixture.hpp"

namespace agent::hold::test {
namespace {

using client_test = hold_fixture;

TEST_F(client_test, a_line_goes_to_claude_and_its_answer_comes_back) {
    const auto c = start();
    EXPECT_EQ(ask(*c, "hello"), "echo hello");
    EXPECT_TRUE(is_alive(c->claude_pid()));
    c->end(std::chrono::seconds(60));
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    ASSERT_TRUE(c->exit_status());
    EXPECT_EQ(c->exit_status()->code, 0);
    run(c->release());
    EXPECT_FALSE(std::filesystem::exists(root_ / "holder"));
}

}  // namespace
}  // namespace agent::hold::test
