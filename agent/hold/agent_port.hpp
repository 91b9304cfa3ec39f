// The holder's end of the socket: accepts connections of its own user only, greets them and hands on the messages of
// the newest one. Owned by the holder, its one thread, driven by poll(). A peer that breaks the protocol, or is slow
// to begin, loses its connection; the holder goes on.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>

#include "agent/hold/descriptor.hpp"
#include "agent/hold/protocol.hpp"

namespace agent::hold {

// What the port tells its owner. Both may call send().
struct agent_events {
    virtual ~agent_events() = default;
    // A new agent said hello and is now the one that send() reaches: welcome it.
    virtual void on_agent() = 0;
    // Only messages that an agent may send after its hello.
    virtual void on_message(message m) = 0;
};

class agent_port {
public:
    using clock = std::chrono::steady_clock;

    agent_port(descriptor listener, agent_events& events) : listener_(std::move(listener)), events_(events) {}

    bool has_agent() const { return agent_ != nullptr; }
    // Dropped when no agent is there: a new one gets the state with its welcome.
    void send(const message& m);
    // Its last message; then its connection is closed.
    void send_fault(fault_code code, std::string text);
    // Tells the newest position only, when the socket takes it: an agent that is slow gets fewer messages, not a queue.
    void announce(std::uint64_t end_offset) { end_offset_ = end_offset; }

    void collect(std::vector<pollfd>& polls);
    // `ready` is what poll() returned for the entries that collect() added.
    void serve(const pollfd* ready, clock::time_point now);
    std::optional<clock::time_point> deadline() const;
    // Before leaving: tries once to write what is queued.
    void flush();

private:
    struct connection {
        descriptor socket;
        frame_reader reader;
        std::string out;
        clock::time_point deadline;  // for the hello, or for taking the last message
        bool greeted = false;
        bool closing = false;
        bool dead = false;
    };

    void accept_all(clock::time_point now);
    void read(connection& c, clock::time_point now);
    void receive(connection& c, message m, clock::time_point now);
    void close_with(connection& c, fault_code code, std::string text, clock::time_point now);
    static void write(connection& c);

    descriptor listener_;
    agent_events& events_;
    std::vector<std::unique_ptr<connection>> connections_;
    connection* agent_ = nullptr;
    std::uint64_t end_offset_ = 0;
    std::uint64_t announced_ = 0;
    std::size_t polled_ = 0;  // connections in the last collect()
};

// Binds and listens at the directory's socket, for this user only. The error is an errno.
std::expected<descriptor, int> listen_in(int directory);

}  // namespace agent::hold
