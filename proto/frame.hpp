// The codec of the link: a WebSocket binary message is one or more whole frames,
//     u32be payload_length | u8 type | u8 flags | payload
// The decoder gives views into the message, never copies, and checks every length. See proto/README.md for the table.
// Plain functions and values.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace proto {

enum class frame_type : std::uint8_t {
    hello = 1,
    challenge = 2,
    auth = 3,
    welcome = 4,
    call = 16,
    reply = 17,
    credit = 18,
    cancel = 19,
    progress = 20,
    ask = 21,
    answers = 22,
    withdraw = 23,
    body = 24,
    body_credit = 25,
    event = 32,
    ack = 33,
    sessions = 34,
    ping = 48,
    pong = 49,
    drain = 50,
};

constexpr std::uint8_t reply_flag_fin = 1;
constexpr std::uint8_t reply_flag_error = 2;
constexpr std::uint8_t first_ignorable_type = 128;  // unknown types from here on are skipped: room for growth

// hello, challenge, auth, welcome: one frame a message, the payload is JSON.
struct handshake_frame {
    frame_type type = frame_type::hello;
    std::string_view json;
};
struct call_frame {
    std::uint64_t id = 0;
    std::string_view header;     // JSON, see call_header
    std::string_view arguments;  // JSON as the client sent it
};
struct reply_frame {
    std::uint64_t id = 0;
    bool fin = false;
    bool error = false;      // implies fin; the payload is the envelope of proto/error
    std::string_view bytes;  // the next piece of the result, cut anywhere
};
struct credit_frame {
    std::uint64_t id = 0;
    std::uint32_t bytes = 0;
};
struct cancel_frame {
    std::uint64_t id = 0;
};
struct progress_frame {
    std::uint64_t id = 0;
    std::string_view json;
};
struct ask_frame {
    std::uint64_t id = 0;
    std::uint32_t number = 0;  // of the question within its call, from 1
    std::string_view json;
};
struct answers_frame {
    std::uint64_t id = 0;
    std::uint32_t number = 0;
    std::string_view json;
};
struct withdraw_frame {
    std::uint64_t id = 0;
    std::uint32_t number = 0;
};
struct body_frame {  // the next bytes of what follows the call's arguments
    std::uint64_t id = 0;
    std::string_view bytes;
};
struct body_credit_frame {
    std::uint64_t id = 0;
    std::uint32_t bytes = 0;
};
struct event_frame {
    std::int64_t seq = 0;
    std::int64_t previous_seq = 0;  // of the event pushed before under the same filter: a hole shows
    std::string_view json;
};
struct ack_frame {
    std::int64_t seq = 0;
};
struct sessions_frame {
    std::string_view json;
};
struct ping_frame {
    std::uint64_t nonce = 0;
};
struct pong_frame {
    std::uint64_t nonce = 0;
};
struct drain_frame {};

using frame = std::variant<handshake_frame, call_frame, reply_frame, credit_frame, cancel_frame, progress_frame,
                           ask_frame, answers_frame, withdraw_frame, body_frame, body_credit_frame, event_frame,
                           ack_frame, sessions_frame, ping_frame, pong_frame, drain_frame>;

// What is wrong with a message; ends the link with 4400, or 4413 where `too_big`.
struct frame_error {
    std::string reason;
    bool too_big = false;
};

// Walks over the frames of one message. The message must outlive the frames.
class frame_reader {
public:
    explicit frame_reader(std::string_view message) : rest_(message) {}

    // The next frame that we know; nullopt after the last. After an error no further call is allowed.
    std::expected<std::optional<frame>, frame_error> next();

private:
    std::string_view rest_;
    bool any_ = false;
};

// Each appends one frame.
void append_handshake(std::string& out, frame_type type, std::string_view json);
void append_call(std::string& out, std::uint64_t id, std::string_view header, std::string_view arguments);
void append_reply(std::string& out, std::uint64_t id, std::string_view bytes, bool fin);
void append_reply_error(std::string& out, std::uint64_t id, std::string_view envelope);
void append_credit(std::string& out, std::uint64_t id, std::uint32_t bytes);
void append_cancel(std::string& out, std::uint64_t id);
void append_progress(std::string& out, std::uint64_t id, std::string_view json);
void append_ask(std::string& out, std::uint64_t id, std::uint32_t number, std::string_view json);
void append_answers(std::string& out, std::uint64_t id, std::uint32_t number, std::string_view json);
void append_withdraw(std::string& out, std::uint64_t id, std::uint32_t number);
void append_body(std::string& out, std::uint64_t id, std::string_view bytes);
void append_body_credit(std::string& out, std::uint64_t id, std::uint32_t bytes);
void append_event(std::string& out, std::int64_t seq, std::int64_t previous_seq, std::string_view json);
void append_ack(std::string& out, std::int64_t seq);
void append_sessions(std::string& out, std::string_view json);
void append_ping(std::string& out, std::uint64_t nonce);
void append_pong(std::string& out, std::uint64_t nonce);
void append_drain(std::string& out);

}  // namespace proto
