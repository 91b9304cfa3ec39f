// The machine's side of the link as a state machine without I/O, clock or crypto: events in, actions out.
// Driver's loop: on_open / on_message / on_tick / on_closed and the application calls; after each, handle take_actions()
// in order; once a loop turn, send what flush() returns, each string as one WebSocket message, and then obey a close.
// One thread (the agent's I/O thread); nothing blocks or throws. Every buffer is bounded: see reply_chunk().
#pragma once

#include <cstdint>
#include <deque>
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

struct agent_link_config {
    hello greeting;  // agent_nonce is set by the machine
    std::string hub_origin;
    std::string tls_exporter;                                // 32 bytes of link_exporter_label, or empty without TLS
    bool exporter_required = false;                          // refuse a hub behind a proxy that ends TLS
    std::function<std::string()> make_nonce;                 // 32 random bytes
    std::function<std::string(std::string_view text)> sign;  // with the machine's key
    // With the pinned hub key of that kid; false also if there is none.
    std::function<bool(std::string_view kid, std::string_view text, std::string_view signature)> verify_hub;
};

namespace agent_action {

struct established {  // store welcome.link_counter durably before the next flush()
    proto::welcome welcome;
};
struct call_received {
    std::uint64_t id = 0;
    call_header header;
    std::string arguments;
};
struct body_received {  // the next bytes of what follows the arguments; store them, then grant_body() as many
    std::uint64_t id = 0;
    std::string bytes;
    bool last = false;  // header.body_bytes have come
};
struct cancel_received {  // answer or not, as is quickest: whatever is sent is dropped. The id is closed
    std::uint64_t id = 0;
};
struct question_answered {  // what ask() asked. `suspended`: the id is closed, nothing more is wanted of the call
    std::uint64_t id = 0;
    answers_message answers;
};
struct credit_available {  // reply_chunk() took less than it was given; it takes more now
    std::uint64_t id = 0;
};
struct events_acknowledged {
    std::int64_t seq = 0;
};
struct output_available {  // send_event() said wait; it takes more now
};
struct draining {  // open a new link now; replies in flight still go over this one
};
// The link is over; `close_needed` is true if the driver must still send the close frame. No action follows.
struct closed {
    std::uint16_t code = 0;
    std::string reason;
    bool close_needed = false;
};

}  // namespace agent_action

class agent_link {
public:
    using action = std::variant<agent_action::established, agent_action::call_received, agent_action::body_received,
                                agent_action::cancel_received, agent_action::question_answered,
                                agent_action::credit_available, agent_action::events_acknowledged,
                                agent_action::output_available, agent_action::draining, agent_action::closed>;
    enum class send_result {
        sent,
        wait,  // too much is queued or unacknowledged: output_available or events_acknowledged will tell
        // Leave it out: too large, or not what the hub would let pass. Of events the next one's previous_seq shows the
        // hole, and readers fetch it by poll_events.
        refused,
        closed,  // not established, or over
    };

    explicit agent_link(agent_link_config config);

    // --- From the connection ---
    void on_open(std::int64_t now_ms);  // the WebSocket is up: says hello
    void on_message(std::string_view bytes, std::int64_t now_ms);
    void on_tick(std::int64_t now_ms);  // when next_tick_ms() says so, or more often
    void on_closed(std::uint16_t code, std::string_view reason);

    // As hub_link's; the hub's welcome may bring it forward.
    std::int64_t next_tick_ms() const;

    std::vector<action> take_actions();
    // Messages to send now, in order. Not to be called while the socket has more than it can take: what is queued here
    // is bounded, and senders are told to wait.
    std::vector<std::string> flush(std::int64_t now_ms);

    // --- From the application ---
    // Sends the next bytes of a result; returns how many were taken (0 for a closed id: check is_open()). The caller
    // keeps the rest until credit_available. A result that is not one JSON object would end the link: such a call fails
    // here instead, all bytes count as taken and the id is closed.
    std::size_t reply_chunk(std::uint64_t id, std::string_view bytes);
    void finish(std::uint64_t id);  // the result is whole
    void grant_body(std::uint64_t id, std::size_t bytes);
    void reply_error(std::uint64_t id, const error& e, std::string_view request_id);
    void progress(std::uint64_t id, const progress_update& update);  // dropped where it would have to wait
    // Asks the call's client, one round at a time; question_answered tells. False: this call cannot ask (its header does
    // not name the ability, its result has begun, a question is open), or too much is queued.
    bool ask(std::uint64_t id, const ask_message& message);
    void withdraw(std::uint64_t id);  // the open question, if there is one: no answer follows
    send_result send_event(std::int64_t seq, std::int64_t previous_seq, std::string_view json);
    send_result send_sessions(const sessions_snapshot& snapshot);
    void close(close_code code, std::string_view reason);

    bool is_open(std::uint64_t id) const { return calls_.contains(id); }
    bool is_established() const { return state_ == state::established; }
    bool has_output() const { return !output_.empty(); }
    const welcome& link_welcome() const { return welcome_; }

private:
    enum class state { idle, hello_sent, auth_sent, established, closed };
    struct call {
        std::size_t credit = limits::call_credit_bytes;
        bool waits = false;      // reply_chunk() took less than it was given
        bool has_begun = false;  // the result has
        bool takes_forms = false;
        std::uint32_t asked = 0;                              // the number of its last question
        std::vector<std::string> keys;                        // of the open question
        std::uint64_t body_left = 0;                          // announced and not received yet
        std::size_t body_credit = limits::call_credit_bytes;  // what the hub may still send
        std::size_t body_ungranted = 0;                       // stored, not yet granted again
        json_scanner scanner{};
    };

    void handle(const frame& f);
    void handle_handshake(const handshake_frame& f);
    void handle_call(const call_frame& f);
    void handle_answers(const answers_frame& f);
    void handle_body(const body_frame& f);
    void handle_credit(const credit_frame& f);
    void handle_cancel(const cancel_frame& f);
    void handle_ack(const ack_frame& f);
    void handle_challenge(std::string_view json);
    void handle_welcome(std::string_view json);
    void fail_result(std::uint64_t id, std::string_view reason);
    void wake_senders();
    void violate(std::string_view reason, close_code code = close_code::protocol);
    void end(std::uint16_t code, std::string_view reason, bool close_needed);

    agent_link_config config_;
    state state_ = state::idle;
    welcome welcome_;
    std::map<std::uint64_t, call> calls_;
    std::uint64_t last_call_id_ = 0;
    std::deque<std::int64_t> unacknowledged_;
    std::int64_t sent_seq_ = 0;
    bool event_waits_ = false;
    bool replies_wait_ = false;  // some call's `waits` is set
    bool draining_ = false;
    std::int64_t opened_ms_ = 0;
    std::int64_t received_ms_ = 0;
    std::int64_t sent_ms_ = 0;
    link_output output_;
    std::vector<action> actions_;
};

}  // namespace proto
