#include "agent/hold/agent_port.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/hold/directory.hpp"

namespace agent::hold {
namespace {

constexpr std::size_t connections_max = 8;
constexpr std::size_t out_bytes_max = 1u << 20;  // above it an agent that does not read is not read either
constexpr std::chrono::seconds patience(5);

bool same_user(int socket) {
    ucred peer{};
    socklen_t length = sizeof(peer);
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == ::geteuid();
}

bool is_from_agent(const message& m) {
    return std::holds_alternative<input_line>(m) || std::holds_alternative<acknowledge>(m) ||
           std::holds_alternative<end>(m) || std::holds_alternative<release>(m);
}

}  // namespace

std::expected<descriptor, int> listen_in(int directory) {
    descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener) return std::unexpected(errno);
    const auto address = socket_address(directory);
    ::unlinkat(directory, socket_name, 0);
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::fchmodat(directory, socket_name, 0600, 0) != 0 || ::listen(listener.get(), connections_max) != 0)
        return std::unexpected(errno);
    return listener;
}

void agent_port::send(const message& m) {
    if (agent_ && !agent_->closing) agent_->out += encode(m);
}

void agent_port::send_fault(fault_code code, std::string text) {
    if (agent_) close_with(*agent_, code, std::move(text), clock::now());
}

void agent_port::collect(std::vector<pollfd>& polls) {
    if (agent_ && agent_->out.empty() && announced_ < end_offset_) {
        agent_->out = encode(position{end_offset_});
        announced_ = end_offset_;
    }
    polls.push_back({listener_.get(), POLLIN, 0});
    for (const auto& c : connections_) {
        short events = 0;
        if (!c->closing && c->out.size() < out_bytes_max) events |= POLLIN;
        if (!c->out.empty()) events |= POLLOUT;
        polls.push_back({c->socket.get(), events, 0});
    }
    polled_ = connections_.size();
}

void agent_port::serve(const pollfd* ready, clock::time_point now) {
    for (std::size_t i = 0; i < polled_; ++i) {
        auto& c = *connections_[i];
        const auto events = ready[1 + i].revents;
        if (events & POLLOUT) write(c);
        if (!c.dead && !c.closing && (events & (POLLIN | POLLHUP | POLLERR))) read(c, now);
        if (c.closing && (c.out.empty() || (events & (POLLHUP | POLLERR)))) c.dead = true;
        if ((c.closing || !c.greeted) && c.deadline <= now) c.dead = true;
    }
    if (agent_ && (agent_->dead || agent_->closing)) agent_ = nullptr;
    std::erase_if(connections_, [](const auto& c) { return c->dead; });
    if (ready[0].revents & POLLIN) accept_all(now);
}

std::optional<agent_port::clock::time_point> agent_port::deadline() const {
    std::optional<clock::time_point> earliest;
    for (const auto& c : connections_)
        if (c->closing || !c->greeted) earliest = std::min(earliest.value_or(c->deadline), c->deadline);
    return earliest;
}

void agent_port::flush() {
    for (const auto& c : connections_) write(*c);
}

void agent_port::accept_all(clock::time_point now) {
    for (;;) {
        descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket) return;
        if (!same_user(socket.get()) || connections_.size() >= connections_max) continue;
        auto c = std::make_unique<connection>();
        c->socket = std::move(socket);
        c->deadline = now + patience;
        connections_.push_back(std::move(c));
    }
}

void agent_port::read(connection& c, clock::time_point now) {
    std::array<char, 64u << 10> piece;
    const auto n = ::recv(c.socket.get(), piece.data(), piece.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        c.dead = true;  // a message that it had not finished is dropped with it
        return;
    }
    c.reader.feed(std::string_view(piece.data(), static_cast<std::size_t>(n)));
    while (!c.closing) {
        auto next = c.reader.next();
        if (!next) return close_with(c, fault_code::malformed, std::move(next.error().text), now);
        if (!*next) return;
        receive(c, std::move(**next), now);
    }
}

void agent_port::receive(connection& c, message m, clock::time_point now) {
    if (c.greeted) {
        if (std::holds_alternative<unknown>(m)) return;
        if (!is_from_agent(m))
            return close_with(c, fault_code::malformed, "An agent does not send this message here.", now);
        return events_.on_message(std::move(m));
    }
    const auto* greeting = std::get_if<hello>(&m);
    if (!greeting) return close_with(c, fault_code::malformed, "The first message must be hello.", now);
    if (greeting->major_min > protocol_major || greeting->major_max < protocol_major)
        return close_with(c, fault_code::incompatible,
                          "This holder speaks protocol version " + std::to_string(protocol_major) +
                              " only: let an agent of that version finish the session.",
                          now);
    if (agent_) close_with(*agent_, fault_code::replaced, "Another agent took this session over.", now);
    c.greeted = true;
    agent_ = &c;
    announced_ = 0;
    events_.on_agent();
}

void agent_port::close_with(connection& c, fault_code code, std::string text, clock::time_point now) {
    c.out += encode(fault{code, std::move(text)});
    c.closing = true;
    c.deadline = now + patience;
}

void agent_port::write(connection& c) {
    while (!c.out.empty()) {
        const auto n = ::send(c.socket.get(), c.out.data(), c.out.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            c.dead = true;
            return;
        }
        c.out.erase(0, static_cast<std::size_t>(n));
    }
}

}  // namespace agent::hold
