// The client against holders that are of another version, lie or fall silent in the middle.
#include <sys/socket.h>

#include "agent/hold/agent_port.hpp"
#include "agent/hold/directory.hpp"
#include "agent/hold/protocol.hpp"
#include "tests/agent/hold/hold_fixture.hpp"

namespace agent::hold::test {
namespace {

class hostile_holder_test : public hold_fixture {
protected:
    using attached = std::expected<std::unique_ptr<client>, hold_error>;

    hostile_holder_test()
        : path_(root_ / "holder"), directory_(*make_directory(path_)), listener_(*listen_in(directory_.get())) {}

    // Attaches a client whose hello is answered by these bytes.
    attached attach_answered_by(const std::string& bytes) {
        std::optional<attached> result;
        asio::co_spawn(io_, attach(io_.get_executor(), path_, 0),
                       [&](std::exception_ptr, attached a) { result = std::move(a); });
        run_until([&] {
            peer_ = descriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            return static_cast<bool>(peer_);
        });
        say(bytes);
        if (bytes.empty()) peer_.reset();
        run_until([&] { return result.has_value(); });
        return std::move(*result);
    }
    void say(const std::string& bytes) {
        EXPECT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    }
    void say(const message& m) { say(encode(m)); }

    std::filesystem::path path_;
    descriptor directory_;
    descriptor listener_;
    descriptor peer_;
};

TEST_F(hostile_holder_test, one_of_another_version_is_incompatible) {
    const auto result = attach_answered_by(encode(fault{fault_code::incompatible, "This holder speaks version 9."}));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), (hold_error{hold_errc::incompatible, "This holder speaks version 9."}));
}

TEST_F(hostile_holder_test, one_that_closes_without_a_word_is_gone) {
    const auto result = attach_answered_by("");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, hold_errc::gone);
}

TEST_F(hostile_holder_test, one_that_breaks_the_protocol_is_left) {
    for (const std::string& bytes : {std::string("\x7f\xff\xff\xff", 4), std::string(64, '\0'),
                                     encode(welcome{}).substr(0, 8) + std::string(3000, 'x') + std::string(9, '\0')}) {
        auto result = attach_answered_by(bytes);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, hold_errc::failed);
        EXPECT_NE(result.error().message.find("broke the protocol"), std::string::npos) << result.error().message;
    }
}

TEST_F(hostile_holder_test, output_that_is_announced_and_not_there_is_an_error_and_not_an_end) {
    auto c = attach_answered_by(encode(welcome{.claude_pid = 1, .session_id = session_id_}));
    ASSERT_TRUE(c);
    say(exited{.end_offset = 100, .stderr_tail = ""});
    EXPECT_EQ(read_error(**c).code, hold_errc::failed);
    EXPECT_FALSE((*c)->exit_status());
}

TEST_F(hostile_holder_test, half_a_message_before_the_end_is_no_message) {
    auto c = attach_answered_by(encode(welcome{.claude_pid = 1, .session_id = session_id_}));
    ASSERT_TRUE(c);
    const auto whole = encode(exited{.stderr_tail = "bye"});
    say(whole.substr(0, whole.size() - 1));
    peer_.reset();
    EXPECT_EQ(read_error(**c).code, hold_errc::gone);
    EXPECT_FALSE((*c)->exit_status());
}

TEST_F(hostile_holder_test, answers_to_lines_that_nobody_sent_are_ignored) {
    auto c = attach_answered_by(encode(welcome{.claude_pid = 1, .session_id = session_id_}));
    ASSERT_TRUE(c);
    say(written{77});
    say(refused{78, refusal::ending});
    say(trouble{"full"});
    run_until([&] { return (*c)->trouble() == "full"; });
}

TEST_F(hostile_holder_test, lines_pile_up_to_a_bound_when_the_holder_does_not_read) {
    auto c = attach_answered_by(encode(welcome{.claude_pid = 1, .session_id = session_id_}));
    ASSERT_TRUE(c);
    int refusals = 0;
    int waiting = 0;
    for (int i = 0; i < 40; ++i) {
        ++waiting;
        asio::co_spawn(io_, (*c)->write_line(std::string(1 << 20, 'x')),
                       [&](std::exception_ptr, std::expected<void, hold_error> r) {
                           EXPECT_FALSE(r);
                           --waiting;
                           ++refusals;
                       });
    }
    run_until([&] { return refusals >= 20; });
    c->reset();
    run_until([&] { return waiting == 0; });
}

}  // namespace
}  // namespace agent::hold::test
