// One running claude, as long as its holder is there: reads its lines, stores what they mean together with the place
// where reading goes on after a crash, and writes to it. Made by the engine for a holder just spawned or attached to;
// destroying it detaches. I/O thread. What fails for the caller is an error; what fails inside ends the session with an
// error event.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/hold/client.hpp"
#include "agent/session/commit_lock.hpp"
#include "agent/session/engine.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/services.hpp"
#include "agent/session/turn_reducer.hpp"
#include "common/async/task_group.hpp"

namespace agent::session {

// Why a session takes no prompts that another claude has open.
proto::error conflict_error(int pid, bool interactive);

class live_session : public std::enable_shared_from_this<live_session> {
public:
    template <class T>
    using task = boost::asio::awaitable<proto::result<T>>;

    live_session(session_services& services, events::session_row row, turn_memory memory,
                 std::unique_ptr<hold::client> client, json options);

    // Begins to read and write, in coroutines of the group, and sends `initialize`.
    void run(common::async::task_group& group);

    // Claude has answered `initialize`; or why it did not.
    task<void> until_ready();
    // session.created; its value is the seq before it. Until then nobody is told anything of the session.
    task<std::int64_t> announce();
    // A further claude for a session that is known already.
    task<void> tell_started();

    // The same prompt of the same principal, if it is still to be done by the session that has this memory.
    static task<std::optional<sent>> open_prompt(events::log& log, const turn_memory& memory, prompt_request prompt,
                                                 std::string principal_key);
    task<sent> send(prompt_request prompt, std::string via, std::string principal_key);
    task<void> answer(permission_answer what, std::string name);
    // Returns how many there were.
    task<int> revoke_grants(std::string grant_id, events::answerer by);
    // session_update.cpp
    task<void> update(update_request wanted);
    // session_rewind.cpp
    task<rewound> rewind(rewind_request wanted);
    task<aborted> interrupt();
    // Ends claude and waits until that is stored.
    boost::asio::awaitable<void> end();
    // Another claude has the session open: this one takes no more prompts and ends with its turn.
    boost::asio::awaitable<void> give_way(int pid, bool interactive);
    const std::optional<proto::error>& conflict() const { return conflict_; }
    // The log does not know of it yet: what it has open is learnt from its answer to `initialize`.
    void start_unknown() { unknown_ = true; }
    // Should claude end, prompts that it was not given stay: the engine starts another for them.
    void keep_waiting_prompts() { keeps_waiting_ = true; }

    bool ready() const { return ready_; }
    bool over() const { return over_; }
    bool busy() const { return reducer_.busy(); }
    bool accepts() const { return !over_ && !ending_ && !input_ended_; }
    // It has nothing to do, nobody is owed an answer and its conversation is kept: it may be ended and resumed.
    bool idle() const;
    // Of the last line from claude or command to it.
    std::chrono::steady_clock::time_point last_active() const { return last_active_; }
    bool owes_prompts() const { return !reducer_.memory().prompts.empty(); }
    int pending_count() const { return static_cast<int>(reducer_.memory().permissions.size()); }
    const events::session_row& row() const { return reducer_.row(); }
    int claude_pid() const { return client_ ? client_->claude_pid() : 0; }
    std::string trouble() const;
    activity now() const;

private:
    // live_session_input.cpp: from claude
    boost::asio::awaitable<void> read();
    boost::asio::awaitable<void> process();
    boost::asio::awaitable<void> take_lines();
    void end_if_unwanted();
    void reduce(const std::deque<hold::line>& lines, reduction& out);
    boost::asio::awaitable<void> pass_barrier();
    void handle(reduction& out);
    void learn_state(const claude::control_reply& reply, std::int64_t now_ms, reduction& out);
    void note_retry(const claude::stream_message& message);
    boost::asio::awaitable<void> finish();
    process_end how_it_ended() const;

    // live_session_permissions.cpp
    void add_answer(const permission_answer& what, const events::answerer& by, std::int64_t now_ms, reduction& out);
    void decide(reduction& out);
    void tell_audited(const claude::stream_message& message, reduction& out) const;
    boost::asio::awaitable<void> expire();

    // live_session.cpp: to claude
    boost::asio::awaitable<void> write();
    void post(std::string line);
    task<std::int64_t> commit(reduction& changes, std::function<void(common::db::connection&, std::int64_t)> more);
    task<json> ask_rewind(const std::string& prompt_uuid, bool dry_run);
    task<claude::control_reply> ask(std::string request_id, std::string line, std::chrono::milliseconds timeout);
    proto::error ended_error() const;

    session_services& services_;
    turn_reducer reducer_;
    std::unique_ptr<hold::client> client_;
    commit_lock lock_;

    std::deque<hold::line> inbox_;
    std::size_t inbox_bytes_ = 0;
    bool input_ended_ = false;
    hold::hold_error input_error_;
    common::async::event_signal inbox_changed_;
    std::uint64_t committed_offset_ = 0;

    std::deque<std::string> outbox_;
    common::async::event_signal outbox_changed_;

    json options_;  // of claude/start_options.hpp
    std::string initialize_id_;
    std::optional<claude::control_reply> initialized_;                     // seen in the lines being taken
    std::map<std::string, std::optional<claude::control_reply>> replies_;  // of requests that somebody waits for
    std::string start_error_;
    std::string store_trouble_;
    std::int64_t last_output_ms_ = 0;
    std::optional<claude::api_retry> retry_;
    std::chrono::steady_clock::time_point last_active_ = std::chrono::steady_clock::now();
    std::int64_t unreadable_lines_ = 0;
    bool ready_ = false;
    bool ending_ = false;
    bool keeps_waiting_ = false;
    bool lacks_login_ = false;
    bool unknown_ = false;
    std::optional<proto::error> conflict_;
    bool over_ = false;
};

}  // namespace agent::session
