// The holder at work: one thread, one poll() loop between claude's pipes, the spool, the agent's socket and signals.
// Made by hold_main, which gives it everything already opened. run() returns when the holder may leave.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/types.h>

#include "agent/hold/agent_port.hpp"
#include "agent/hold/child.hpp"
#include "agent/hold/client.hpp"
#include "agent/hold/descriptor.hpp"
#include "agent/hold/protocol.hpp"
#include "agent/hold/spool_writer.hpp"
#include "agent/hold/stderr_tail.hpp"

namespace agent::hold {

class holder : private agent_events {
public:
    using clock = std::chrono::steady_clock;

    struct resources {
        descriptor directory;
        descriptor lock;  // given up when claude and what it left are gone
        descriptor listener;
        descriptor signals;  // a signalfd
        spool_writer spool;  // has its first segment
        child claude;
    };

    holder(const spawn_spec& spec, resources r);
    void run();

private:
    // running → sweeping (claude exited: end what it left, read what it wrote) → ended (tell, wait for release)
    enum class phase { running, sweeping, ended };

    struct queued_line {
        std::uint64_t sequence = 0;
        std::string bytes;  // with the newline
        std::size_t written = 0;
        bool answer = true;  // its agent is still there
    };

    void on_agent() override;
    void on_message(message m) override;
    void on_write(input_line&& w);
    void on_release();

    int poll_timeout(clock::time_point now);
    void handle_signals(clock::time_point now);
    void handle_timers(clock::time_point now);
    void reap(clock::time_point now);
    void begin_end(std::chrono::milliseconds grace, clock::time_point now);
    void terminate();
    void kill_claude();
    void write_stdin();
    void close_stdin();
    void drop_queue(refusal reason);
    void read_stdout();
    void read_stderr();
    void sweep(clock::time_point now);
    void finish_when_drained();
    void store_exit_record();
    void tell_exit();
    void tell_trouble();

    std::string session_id_;
    std::string directory_path_;
    std::chrono::seconds lease_;
    descriptor directory_;
    descriptor lock_;
    descriptor signals_;
    spool_writer spool_;
    stderr_tail stderr_;
    pid_t claude_pid_;
    descriptor in_;
    descriptor out_;
    descriptor err_;
    agent_port port_;

    phase phase_ = phase::running;
    std::deque<queued_line> queue_;
    std::size_t queue_bytes_ = 0;
    bool ending_ = false;
    bool leave_when_ended_ = false;  // told to by SIGTERM: the machine goes down
    bool leave_ = false;
    bool swept_ = false;
    bool exit_stored_ = false;
    exit_info exit_;
    int exit_error_ = 0;
    std::string told_trouble_;

    clock::time_point lease_ends_;
    std::optional<clock::time_point> terminate_at_;
    std::optional<clock::time_point> kill_at_;
    std::optional<clock::time_point> sweep_at_;
    clock::time_point sweep_until_;
    std::optional<clock::time_point> retry_at_;
};

}  // namespace agent::hold
