// The hub's side of the link as a state machine without I/O, clock or crypto: events in, actions out.
// Driver's loop: on_open / on_message / on_tick / on_closed and the application calls; after each, handle take_actions()
// in order; once a loop turn, send what flush() returns, each string as one WebSocket message, and then obey a close.
// One thread (the link's executor); nothing blocks or throws. The machine is not trusted: whatever it sends, a result is
// one well-formed JSON object within its credit, or the link ends.
//
//     on_open → authenticate{hello} → accept_hello(record) → verified{…} → admit(admission) → established
//                                    ↘ refuse(code, reason)              ↘ refuse(code, reason)
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/error.hpp"
#include "proto/frame.hpp"
#include "proto/json_scanner.hpp"
#include "proto/limits.hpp"
#include "proto/link_output.hpp"
#include "proto/messages.hpp"
#include "proto/questions.hpp"

namespace proto {

struct hub_link_config {
    std::string hub_id;
    std::string hub_kid;
    std::string hub_origin;
    std::string tls_exporter;                 // 32 bytes, or empty where this hub does not end the TLS connection
    std::int64_t heartbeat_ms = 0;            // 0: the limit's default
    std::function<std::string()> make_nonce;  // 32 random bytes
    std::function<std::string(std::string_view text)> sign;  // with the hub's key
    std::function<bool(std::string_view public_key, std::string_view text, std::string_view signature)> verify;
};

// What the database knows of the machine that says hello.
struct machine_record {
    std::string public_key;
    std::uint64_t link_counter = 0;   // stored at the last admission, 0 before the first
    bool given_to_live_link = false;  // see judge_counter()
};

// What the database made of a verified hello, in one transaction that raised the epoch.
struct admission {
    std::int64_t epoch = 0;
    std::uint64_t link_counter = 0;  // normally verified::next_counter
    std::string link_state = "active";
    std::int64_t policy_rev = 0;
    std::int64_t ack_seq = 0;
    std::string machine_name;
};

namespace hub_action {

struct authenticate {  // look the machine up, then accept_hello() or refuse(). Nothing is proven yet
    proto::hello hello;
};
// The machine holds its key. Raise the epoch, store next_counter, then admit(); or refuse().
struct verified {
    proto::hello hello;
    std::uint64_t next_counter = 0;
    bool hub_restored = false;  // to be audited
};
// A copy of the machine's key is in use: quarantine the machine, end its other link too. `closed` follows.
struct key_conflict {
    proto::hello hello;
    std::uint64_t stored_counter = 0;
};
struct established {
    proto::hello hello;
    std::int64_t epoch = 0;
};
struct reply_chunk {  // pass it on, then grant_credit() as many bytes
    std::uint64_t id = 0;
    std::string bytes;  // may be empty with fin
    bool fin = false;   // the whole result was one JSON object; the id is closed
};
// The call is over without a (whole) result. `link_lost`: the machine did not say so, the link ended: what it has done
// is not known.
struct reply_failed {
    std::uint64_t id = 0;
    proto::error error;
    bool link_lost = false;
};
struct body_wanted {  // send_body() took less than it was given; it takes more now
    std::uint64_t id = 0;
};
struct progress_received {
    std::uint64_t id = 0;
    progress_update update;
};
// The call waits for answer(), under that number.
struct question_received {
    std::uint64_t id = 0;
    std::uint32_t number = 0;
    ask_message asked;
};
struct question_withdrawn {  // no answer is wanted any more
    std::uint64_t id = 0;
};
struct event_received {  // one JSON object; acknowledge_events() in time, or the machine stops pushing
    std::int64_t seq = 0;
    std::int64_t previous_seq = 0;
    std::string json;
};
struct sessions_received {
    sessions_snapshot snapshot;
};
struct drained {  // after drain(): no call is open any more, close with 4503
};
// The link is over; `close_needed` is true if the driver must still send the close frame. No action follows.
struct closed {
    std::uint16_t code = 0;
    std::string reason;
    bool close_needed = false;
};

}  // namespace hub_action

class hub_link {
public:
    using action = std::variant<hub_action::authenticate, hub_action::verified, hub_action::key_conflict,
                                hub_action::established, hub_action::reply_chunk, hub_action::reply_failed,
                                hub_action::body_wanted, hub_action::progress_received, hub_action::question_received,
                                hub_action::question_withdrawn, hub_action::event_received,
                                hub_action::sessions_received, hub_action::drained, hub_action::closed>;

    explicit hub_link(hub_link_config config);

    // --- From the connection ---
    void on_open(std::int64_t now_ms);
    void on_message(std::string_view bytes, std::int64_t now_ms);
    void on_tick(std::int64_t now_ms);  // when next_tick_ms() says so, or more often
    void on_closed(std::uint16_t code, std::string_view reason);

    // When on_tick() has something to do if nothing comes or goes until then. Messages only move it back, so a driver may
    // keep the timer it has and ask again when that fires. A second more or less does not matter.
    std::int64_t next_tick_ms() const;

    std::vector<action> take_actions();
    // Messages to send now, in order. Not to be called while the socket has more than it can take.
    std::vector<std::string> flush(std::int64_t now_ms);

    // --- The driver's answers during the handshake; without effect in any other state ---
    void accept_hello(const machine_record& record, std::int64_t now_ms, std::int64_t unix_ms);
    void admit(const admission& a);
    void refuse(close_code code, std::string_view reason);

    // --- From the application ---
    // The new call's id. Fails with route_unavailable (not established, draining), resource_exhausted (too many calls
    // in flight, or too much queued), invalid_argument (too large), unsupported_by_machine (its hello does not name the
    // tool; the hub's own calls, which have a dot in their name, are not asked for; or it takes no body).
    result<std::uint64_t> send_call(const call_header& header, std::string_view arguments);
    // The next bytes of what follows the arguments, header.body_bytes altogether; returns how many were taken (0 for a
    // closed id: check is_open()). The caller keeps the rest until body_wanted.
    std::size_t send_body(std::uint64_t id, std::string_view bytes);
    // The id is closed at once; the machine is told and its late frames are dropped. No action follows for it.
    void cancel(std::uint64_t id);
    // Without effect if that question is not open any more. `suspended` closes the id, as cancel() does.
    void answer(std::uint64_t id, std::uint32_t number, const answers_message& message);
    void grant_credit(std::uint64_t id, std::size_t bytes);
    void acknowledge_events(std::int64_t seq);
    void drain();
    void close(close_code code, std::string_view reason);

    bool is_open(std::uint64_t id) const { return calls_.contains(id); }
    bool is_established() const { return state_ == state::established; }
    bool has_output() const { return !output_.empty() || acknowledged_seq_ > told_seq_; }
    // The machine has spoken since its welcome, so it has stored the counter: see machine_record.
    bool welcome_acknowledged() const { return welcome_acknowledged_; }
    const hello& machine() const { return hello_; }
    std::int64_t epoch() const { return epoch_; }
    std::size_t calls_in_flight() const { return calls_.size(); }

private:
    enum class state { idle, wait_hello, wait_record, wait_auth, wait_admission, established, closed };
    struct call {
        json_scanner scanner{};
        std::size_t credit = limits::call_credit_bytes;  // what the machine may still send
        std::size_t ungranted = 0;                       // passed on, not yet granted again
        bool takes_forms = false;                        // its client may be asked
        bool has_begun = false;                          // its result has
        bool is_asking = false;
        std::uint32_t asked = 0;      // the number of its last question
        std::uint64_t body_left = 0;  // announced and not sent yet
        std::size_t body_credit = limits::call_credit_bytes;
        bool has_body = false;
        bool body_waits = false;  // send_body() took less than it was given
    };

    void handle_handshake(const frame& f, std::int64_t now_ms);
    void handle(const frame& f);
    void handle_hello(std::string_view json);
    void handle_auth(std::string_view json, std::int64_t now_ms);
    void handle_reply(const reply_frame& f);
    void handle_progress(const progress_frame& f);
    void handle_ask(const ask_frame& f);
    void handle_withdraw(const withdraw_frame& f);
    void handle_body_credit(const body_credit_frame& f);
    void wake_bodies();
    void handle_event(const event_frame& f);
    void handle_sessions(const sessions_frame& f);
    bool was_issued(std::uint64_t id) const { return id != 0 && id < next_call_id_; }
    link_proof proof() const;
    void call_over(std::uint64_t id);
    void lose_calls(const error& e);
    void violate(std::string_view reason, close_code code = close_code::protocol);
    void end(std::uint16_t code, std::string_view reason, bool close_needed);

    hub_link_config config_;
    state state_ = state::idle;
    hello hello_;
    machine_record record_;
    std::string hub_nonce_;
    std::int64_t nonce_ms_ = 0;
    std::int64_t epoch_ = 0;
    std::map<std::uint64_t, call> calls_;
    std::uint64_t next_call_id_ = 1;
    std::int64_t last_event_seq_ = 0;
    std::int64_t acknowledged_seq_ = 0;  // by the application
    std::int64_t told_seq_ = 0;          // to the machine
    int handshake_frames_ = 0;
    bool welcome_acknowledged_ = false;
    bool bodies_wait_ = false;  // some call's `body_waits` is set
    bool draining_ = false;
    std::int64_t opened_ms_ = 0;
    std::int64_t received_ms_ = 0;
    std::int64_t sent_ms_ = 0;
    link_output output_;
    std::vector<action> actions_;
};

}  // namespace proto
