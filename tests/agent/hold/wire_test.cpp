// A holder and peers that speak the protocol badly, by hand over its socket: it tells what is wrong, drops them and
// goes on.
#include <array>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/hold/directory.hpp"
#include "agent/hold/protocol.hpp"
#include "tests/agent/hold/hold_fixture.hpp"

namespace agent::hold::test {
namespace {

// A peer without any care, on blocking calls.
class raw_peer {
public:
    explicit raw_peer(const std::filesystem::path& path) {
        const auto directory = std::move(*open_directory(path));
        socket_ = descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = socket_address(directory.get());
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
            throw std::runtime_error("no connection");
    }
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return;  // the holder hung up: read() tells what it said
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    void send(const message& m) { send(encode(m)); }
    // nullopt at the end of the connection.
    std::optional<message> read() {
        for (;;) {
            auto next = reader_.next();
            if (!next) throw std::runtime_error(next.error().text);
            if (*next) return std::move(**next);
            std::array<char, 4096> piece;
            const auto n = ::recv(socket_.get(), piece.data(), piece.size(), 0);
            if (n <= 0) return std::nullopt;
            reader_.feed(std::string_view(piece.data(), static_cast<std::size_t>(n)));
        }
    }
    // The next one of that kind; what else comes is passed over.
    template <class Message>
    Message expect() {
        while (auto m = read())
            if (auto* wanted = std::get_if<Message>(&*m)) return std::move(*wanted);
        throw std::runtime_error("the connection ended before the message came");
    }
    bool is_over() {
        while (read()) {
        }
        return true;
    }

private:
    descriptor socket_;
    frame_reader reader_;
};

class wire_test : public hold_fixture {
protected:
    wire_test() : client_(start()) {}
    // The client that started the holder gives way to peers.
    raw_peer peer() { return raw_peer(root_ / "holder"); }
    raw_peer greeted() {
        auto p = peer();
        p.send(hello{});
        p.expect<welcome>();
        return p;
    }
    void expect_holder_is_well() {
        const auto c = attach_at(0);
        tell(*c, "are you well?");
        while (read(*c).text != "echo are you well?") {
        }
    }
    std::unique_ptr<client> client_;
};

TEST_F(wire_test, a_welcome_tells_who_and_where) {
    tell(*client_, "emit 1");
    EXPECT_EQ(read(*client_).text, "line 0");
    auto p = peer();
    p.send(hello{});
    const auto w = p.expect<welcome>();
    EXPECT_EQ(w.major, 1);
    EXPECT_EQ(w.session_id, session_id_);
    EXPECT_EQ(w.claude_pid, static_cast<std::uint32_t>(client_->claude_pid()));
    EXPECT_EQ(w.holder_pid, static_cast<std::uint32_t>(holder_of(*client_)));
    EXPECT_EQ(w.end_offset, 7u);
}

TEST_F(wire_test, a_peer_of_another_user_is_not_served_even_if_the_modes_let_it_in) {
    // Only root can be somebody else; any user can see that the modes keep others out (holder_life_test).
    if (::geteuid() != 0) return;
    const auto path = root_ / "holder" / "hold.sock";
    for (const auto& opened : {root_, root_ / "holder", path})
        std::filesystem::permissions(opened, std::filesystem::perms(0777));
    const pid_t stranger = ::fork();
    if (stranger == 0) {
        constexpr uid_t nobody = 65534;
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        if (::setgid(nobody) != 0 || ::setuid(nobody) != 0) ::_exit(1);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) ::_exit(2);
        const auto greeting = encode(hello{});
        ::send(fd, greeting.data(), greeting.size(), MSG_NOSIGNAL);
        char byte = 0;
        ::_exit(::recv(fd, &byte, 1, 0) <= 0 ? 0 : 3);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(stranger, &status, 0), stranger);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(ask(*client_, "not replaced"), "echo not replaced");
}

TEST_F(wire_test, an_agent_of_another_major_version_is_told_and_does_not_replace_the_one_there) {
    for (const hello& h : {hello{2, 3, 0}, hello{0, 0, 9}, hello{3, 2, 0}}) {
        auto p = peer();
        p.send(h);
        EXPECT_EQ(p.expect<fault>().code, fault_code::incompatible);
        EXPECT_TRUE(p.is_over());
    }
    auto newer = peer();
    newer.send(hello{1, 5, 77});
    EXPECT_EQ(newer.expect<welcome>().major, 1);
}

TEST_F(wire_test, a_refused_hello_leaves_the_agent_that_is_there) {
    auto p = peer();
    p.send(hello{2, 3, 0});
    EXPECT_TRUE(p.is_over());
    EXPECT_EQ(ask(*client_, "mine"), "echo mine");
}

TEST_F(wire_test, an_oversize_message_is_refused_by_its_length_alone) {
    auto p = greeted();
    std::string_view header("\x00\x80\x10\x01\x02", 5);  // one byte more than 8392704
    p.send(header);
    EXPECT_EQ(p.expect<fault>().code, fault_code::malformed);
    EXPECT_TRUE(p.is_over());
    expect_holder_is_well();
}

TEST_F(wire_test, the_longest_line_is_written_whole) {
    auto p = greeted();
    p.send(input_line{1, "size " + std::string(line_bytes_max - 5, 'x')});
    EXPECT_EQ(p.expect<written>().sequence, 1u);
    const auto c = attach_at(0);
    EXPECT_EQ(read(*c).text, std::to_string(line_bytes_max));
}

TEST_F(wire_test, half_a_message_before_the_end_never_happened) {
    const auto whole = encode(input_line{1, "echo me not"});
    for (std::size_t length : {std::size_t(1), std::size_t(4), std::size_t(13), whole.size() - 1}) {
        auto p = greeted();
        p.send(std::string_view(whole).substr(0, length));
    }
    auto c = attach_at(0);
    EXPECT_EQ(ask(*c, "the first"), "echo the first");
}

TEST_F(wire_test, messages_out_of_turn_end_the_connection) {
    auto without_hello = peer();
    without_hello.send(input_line{1, "x"});
    EXPECT_EQ(without_hello.expect<fault>().code, fault_code::malformed);
    EXPECT_TRUE(without_hello.is_over());

    auto twice = greeted();
    twice.send(hello{});
    EXPECT_EQ(twice.expect<fault>().code, fault_code::malformed);

    auto as_holder = greeted();
    as_holder.send(position{5});
    EXPECT_EQ(as_holder.expect<fault>().code, fault_code::malformed);

    auto early = greeted();
    early.send(release{});
    EXPECT_EQ(early.expect<fault>().code, fault_code::not_ended);
    expect_holder_is_well();
}

TEST_F(wire_test, unknown_messages_are_ignored) {
    auto p = greeted();
    p.send(std::string_view("\x00\x00\x00\x03\x70hi", 7));
    p.send(input_line{4, "size"});
    EXPECT_EQ(p.expect<written>().sequence, 4u);
}

TEST_F(wire_test, a_newline_in_a_line_is_refused_and_nothing_of_it_is_written) {
    auto p = greeted();
    p.send(input_line{9, "one\ntwo"});
    const auto no = p.expect<refused>();
    EXPECT_EQ(no.sequence, 9u);
    EXPECT_EQ(no.reason, refusal::bad_line);
    expect_holder_is_well();
}

TEST_F(wire_test, lines_that_claude_does_not_take_are_bounded_and_end_gets_through) {
    auto p = greeted();
    p.send(input_line{1, "stop_reading"});
    const std::string megabyte(1 << 20, 'x');
    for (std::uint64_t i = 2; i <= 12; ++i) p.send(input_line{i, megabyte});
    const auto full = p.expect<refused>();
    EXPECT_EQ(full.reason, refusal::queue_full);
    EXPECT_GE(full.sequence, 8u);
    p.send(end{10});
    const auto e = p.expect<exited>();
    EXPECT_EQ(e.kind, exit_kind::signal);
    EXPECT_EQ(e.value, 15u);
    p.send(input_line{99, "x"});
    EXPECT_EQ(p.expect<refused>().reason, refusal::claude_gone);
}

TEST_F(wire_test, a_claude_that_closed_its_stdin_takes_no_lines_but_goes_on) {
    EXPECT_EQ(ask(*client_, "close_stdin"), "closed");
    const auto result = run(client_->write_line("anybody?"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, hold_errc::failed);
    EXPECT_TRUE(is_alive(client_->claude_pid()));
}

TEST_F(wire_test, idle_connections_are_bounded_and_end_by_themselves) {
    std::vector<raw_peer> idle;
    for (int i = 0; i < 12; ++i) idle.push_back(peer());
    EXPECT_EQ(ask(*client_, "not disturbed"), "echo not disturbed");
    for (auto& p : idle) EXPECT_TRUE(p.is_over());  // the last ones at once, the others after their 5 s
    expect_holder_is_well();
}

TEST_F(wire_test, an_agent_that_never_reads_costs_nothing_and_hinders_nobody) {
    auto deaf = greeted();
    deaf.send(input_line{1, "emit 50000"});
    wait_until([&] { return read_orphaned_spool(root_ / "holder", 0).size() == 50'000; });
    expect_holder_is_well();
}

}  // namespace
}  // namespace agent::hold::test
