#include "proto/frame.hpp"

#include <cassert>

#include "proto/limits.hpp"

namespace proto {
namespace {

std::uint64_t read_number(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

void append_number(std::string& out, std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xFF));
}

std::unexpected<frame_error> broken(std::string_view type, std::string_view what) {
    return std::unexpected(frame_error{"a frame of type " + std::string(type) + " " + std::string(what)});
}

std::unexpected<frame_error> too_big(std::string_view type) {
    return std::unexpected(frame_error{"a frame of type " + std::string(type) + " is larger than allowed", true});
}

using decoded_frame = std::expected<frame, frame_error>;

// `make` gets the payload of exactly that length, as a number.
template <class F>
decoded_frame number_only(std::string_view type, std::string_view payload, F make) {
    if (payload.size() != 8) return broken(type, "must carry 8 bytes");
    return make(read_number(payload));
}

bool is_seq(std::uint64_t value) { return value <= static_cast<std::uint64_t>(INT64_MAX); }

decoded_frame decode_handshake(frame_type type, std::string_view payload) {
    if (payload.size() > limits::handshake_frame_bytes_max) return too_big("hello, challenge, auth or welcome");
    return handshake_frame{type, payload};
}

decoded_frame decode_call(std::string_view payload) {
    if (payload.size() < 12) return broken("call", "is too short");
    const auto header_bytes = read_number(payload.substr(8, 4));
    const auto rest = payload.substr(12);
    if (header_bytes > rest.size()) return broken("call", "tells a header longer than itself");
    if (header_bytes > limits::call_header_bytes_max || rest.size() - header_bytes > limits::arguments_bytes_max)
        return too_big("call");
    return call_frame{read_number(payload.substr(0, 8)), rest.substr(0, header_bytes), rest.substr(header_bytes)};
}

decoded_frame decode_reply(std::uint8_t flags, std::string_view payload) {
    if (payload.size() < 8) return broken("reply", "is too short");
    if (flags == (reply_flag_fin | reply_flag_error)) return broken("reply", "has both flags: error implies fin");
    const bool error = flags == reply_flag_error;
    const auto bytes = payload.substr(8);
    if (bytes.size() > (error ? limits::error_bytes_max : limits::reply_chunk_bytes_max)) return too_big("reply");
    return reply_frame{read_number(payload.substr(0, 8)), flags != 0, error, bytes};
}

decoded_frame decode_progress(std::string_view payload) {
    if (payload.size() < 8) return broken("progress", "is too short");
    if (payload.size() - 8 > limits::progress_bytes_max) return too_big("progress");
    return progress_frame{read_number(payload.substr(0, 8)), payload.substr(8)};
}

template <class Frame>
decoded_frame decode_credit(std::string_view type, std::string_view payload) {
    if (payload.size() != 12) return broken(type, "must carry 12 bytes");
    return Frame{read_number(payload.substr(0, 8)), static_cast<std::uint32_t>(read_number(payload.substr(8)))};
}

decoded_frame decode_body(std::string_view payload) {
    if (payload.size() <= 8) return broken("body", "must carry an id and bytes");
    if (payload.size() - 8 > limits::reply_chunk_bytes_max) return too_big("body");
    return body_frame{read_number(payload.substr(0, 8)), payload.substr(8)};
}

// ask and answers: a question's number and what is said of it.
template <class T>
decoded_frame decode_question(std::string_view type, std::string_view payload, std::size_t json_bytes_max) {
    if (payload.size() < 12) return broken(type, "is too short");
    if (payload.size() - 12 > json_bytes_max) return too_big(type);
    return T{read_number(payload.substr(0, 8)), static_cast<std::uint32_t>(read_number(payload.substr(8, 4))),
             payload.substr(12)};
}

decoded_frame decode_withdraw(std::string_view payload) {
    if (payload.size() != 12) return broken("withdraw", "must carry 12 bytes");
    return withdraw_frame{read_number(payload.substr(0, 8)),
                          static_cast<std::uint32_t>(read_number(payload.substr(8)))};
}

decoded_frame decode_event(std::string_view payload) {
    if (payload.size() < 16) return broken("event", "is too short");
    const auto seq = read_number(payload.substr(0, 8));
    const auto previous = read_number(payload.substr(8, 8));
    if (!is_seq(seq) || previous >= seq) return broken("event", "must carry a seq above the previous one");
    if (payload.size() - 16 > limits::event_bytes_max) return too_big("event");
    return event_frame{static_cast<std::int64_t>(seq), static_cast<std::int64_t>(previous), payload.substr(16)};
}

decoded_frame decode_ack(std::string_view payload) {
    if (payload.size() != 8 || !is_seq(read_number(payload))) return broken("ack", "must carry a seq of 8 bytes");
    return ack_frame{static_cast<std::int64_t>(read_number(payload))};
}

decoded_frame decode(frame_type type, std::uint8_t flags, std::string_view payload) {
    switch (type) {
        case frame_type::hello:
        case frame_type::challenge:
        case frame_type::auth:
        case frame_type::welcome:
            return decode_handshake(type, payload);
        case frame_type::call:
            return decode_call(payload);
        case frame_type::reply:
            return decode_reply(flags, payload);
        case frame_type::credit:
            return decode_credit<credit_frame>("credit", payload);
        case frame_type::cancel:
            return number_only("cancel", payload, [](std::uint64_t n) { return cancel_frame{n}; });
        case frame_type::progress:
            return decode_progress(payload);
        case frame_type::ask:
            return decode_question<ask_frame>("ask", payload, limits::ask_bytes_max);
        case frame_type::answers:
            return decode_question<answers_frame>("answers", payload, limits::answers_bytes_max);
        case frame_type::withdraw:
            return decode_withdraw(payload);
        case frame_type::body:
            return decode_body(payload);
        case frame_type::body_credit:
            return decode_credit<body_credit_frame>("body_credit", payload);
        case frame_type::event:
            return decode_event(payload);
        case frame_type::ack:
            return decode_ack(payload);
        case frame_type::sessions:
            if (payload.size() > limits::sessions_bytes_max) return too_big("sessions");
            return sessions_frame{payload};
        case frame_type::ping:
            return number_only("ping", payload, [](std::uint64_t n) { return ping_frame{n}; });
        case frame_type::pong:
            return number_only("pong", payload, [](std::uint64_t n) { return pong_frame{n}; });
        case frame_type::drain:
            if (!payload.empty()) return broken("drain", "must be empty");
            return drain_frame{};
    }
    return std::unexpected(frame_error{"unknown frame type " + std::to_string(static_cast<int>(type))});
}

void append_frame_header(std::string& out, frame_type type, std::uint8_t flags, std::size_t payload_bytes) {
    assert(payload_bytes <= limits::frame_bytes_max);
    append_number(out, payload_bytes, 4);
    out.push_back(static_cast<char>(type));
    out.push_back(static_cast<char>(flags));
}

void append_id_and_text(std::string& out, frame_type type, std::uint8_t flags, std::uint64_t id,
                        std::string_view text) {
    append_frame_header(out, type, flags, 8 + text.size());
    append_number(out, id, 8);
    out.append(text);
}

// A credit, or with what is said of it a question.
void append_id_and_number(std::string& out, frame_type type, std::uint64_t id, std::uint32_t number,
                          std::string_view text = {}) {
    append_frame_header(out, type, 0, 12 + text.size());
    append_number(out, id, 8);
    append_number(out, number, 4);
    out.append(text);
}

}  // namespace

std::expected<std::optional<frame>, frame_error> frame_reader::next() {
    if (rest_.empty() && !any_) return std::unexpected(frame_error{"an empty message"});
    any_ = true;
    while (!rest_.empty()) {
        if (rest_.size() < limits::frame_header_bytes)
            return std::unexpected(frame_error{"a message ends inside a frame"});
        const auto payload_bytes = read_number(rest_.substr(0, 4));
        const auto type = static_cast<std::uint8_t>(rest_[4]);
        const auto flags = static_cast<std::uint8_t>(rest_[5]);
        if (payload_bytes > limits::frame_bytes_max)
            return std::unexpected(frame_error{"a frame is larger than allowed", true});
        rest_.remove_prefix(limits::frame_header_bytes);
        if (payload_bytes > rest_.size()) return std::unexpected(frame_error{"a message ends inside a frame"});
        const auto payload = rest_.substr(0, payload_bytes);
        rest_.remove_prefix(payload_bytes);
        if (type >= first_ignorable_type) continue;
        const bool is_reply = type == static_cast<std::uint8_t>(frame_type::reply);
        if (flags > (is_reply ? reply_flag_fin | reply_flag_error : 0))
            return std::unexpected(frame_error{"unknown flags in a frame of type " + std::to_string(type)});
        auto known = decode(static_cast<frame_type>(type), flags, payload);
        if (!known) return std::unexpected(known.error());
        return *known;
    }
    return std::nullopt;
}

void append_handshake(std::string& out, frame_type type, std::string_view json) {
    append_frame_header(out, type, 0, json.size());
    out.append(json);
}

void append_call(std::string& out, std::uint64_t id, std::string_view header, std::string_view arguments) {
    append_frame_header(out, frame_type::call, 0, 12 + header.size() + arguments.size());
    append_number(out, id, 8);
    append_number(out, header.size(), 4);
    out.append(header);
    out.append(arguments);
}

void append_reply(std::string& out, std::uint64_t id, std::string_view bytes, bool fin) {
    append_id_and_text(out, frame_type::reply, fin ? reply_flag_fin : 0, id, bytes);
}

void append_reply_error(std::string& out, std::uint64_t id, std::string_view envelope) {
    append_id_and_text(out, frame_type::reply, reply_flag_error, id, envelope);
}

void append_credit(std::string& out, std::uint64_t id, std::uint32_t bytes) {
    append_id_and_number(out, frame_type::credit, id, bytes);
}

void append_cancel(std::string& out, std::uint64_t id) { append_id_and_text(out, frame_type::cancel, 0, id, {}); }

void append_progress(std::string& out, std::uint64_t id, std::string_view json) {
    append_id_and_text(out, frame_type::progress, 0, id, json);
}

void append_ask(std::string& out, std::uint64_t id, std::uint32_t number, std::string_view json) {
    append_id_and_number(out, frame_type::ask, id, number, json);
}

void append_answers(std::string& out, std::uint64_t id, std::uint32_t number, std::string_view json) {
    append_id_and_number(out, frame_type::answers, id, number, json);
}

void append_withdraw(std::string& out, std::uint64_t id, std::uint32_t number) {
    append_id_and_number(out, frame_type::withdraw, id, number);
}

void append_body(std::string& out, std::uint64_t id, std::string_view bytes) {
    append_id_and_text(out, frame_type::body, 0, id, bytes);
}

void append_body_credit(std::string& out, std::uint64_t id, std::uint32_t bytes) {
    append_id_and_number(out, frame_type::body_credit, id, bytes);
}

void append_event(std::string& out, std::int64_t seq, std::int64_t previous_seq, std::string_view json) {
    append_frame_header(out, frame_type::event, 0, 16 + json.size());
    append_number(out, static_cast<std::uint64_t>(seq), 8);
    append_number(out, static_cast<std::uint64_t>(previous_seq), 8);
    out.append(json);
}

void append_ack(std::string& out, std::int64_t seq) {
    append_id_and_text(out, frame_type::ack, 0, static_cast<std::uint64_t>(seq), {});
}

void append_sessions(std::string& out, std::string_view json) {
    append_frame_header(out, frame_type::sessions, 0, json.size());
    out.append(json);
}

void append_ping(std::string& out, std::uint64_t nonce) { append_id_and_text(out, frame_type::ping, 0, nonce, {}); }

void append_pong(std::string& out, std::uint64_t nonce) { append_id_and_text(out, frame_type::pong, 0, nonce, {}); }

void append_drain(std::string& out) { append_frame_header(out, frame_type::drain, 0, 0); }

}  // namespace proto
