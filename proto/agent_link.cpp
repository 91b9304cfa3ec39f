#include "proto/agent_link.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace proto {

agent_link::agent_link(agent_link_config config) : config_(std::move(config)) {}

void agent_link::on_open(std::int64_t now_ms) {
    if (state_ != state::idle) return;
    opened_ms_ = received_ms_ = sent_ms_ = now_ms;
    config_.greeting.agent_nonce = config_.make_nonce();
    append_handshake(output_.begin_frame(), frame_type::hello, encode(config_.greeting));
    output_.frame_done(true);
    state_ = state::hello_sent;
}

void agent_link::on_message(std::string_view bytes, std::int64_t now_ms) {
    if (state_ == state::idle || state_ == state::closed) return;
    received_ms_ = now_ms;
    const bool handshake = state_ != state::established;
    frame_reader reader(bytes);
    for (int count = 0; state_ != state::closed; ++count) {
        const auto next = reader.next();
        if (!next)
            return violate(next.error().reason, next.error().too_big ? close_code::too_big : close_code::protocol);
        if (!*next) return;
        if (handshake && count > 0) return violate("a handshake message must be one frame");
        handle(**next);
    }
}

void agent_link::on_tick(std::int64_t now_ms) {
    if (state_ == state::idle || state_ == state::closed) return;
    if (state_ != state::established) {
        if (now_ms - opened_ms_ >= limits::handshake_agent_ms_max)
            close(close_code::going_away, "the hub did not finish the handshake in time");
        return;
    }
    // Three missed beats, as the limits' 15 s and 45 s.
    if (now_ms - received_ms_ >= 3 * welcome_.heartbeat_ms)
        return close(close_code::going_away, "the hub has been silent for too long");
    if (now_ms - sent_ms_ >= welcome_.heartbeat_ms && output_.empty()) {
        append_ping(output_.begin_frame(), static_cast<std::uint64_t>(now_ms));
        output_.frame_done();
    }
}

std::int64_t agent_link::next_tick_ms() const {
    if (state_ != state::established) return opened_ms_ + limits::handshake_agent_ms_max;
    return std::min(sent_ms_ + welcome_.heartbeat_ms, received_ms_ + 3 * welcome_.heartbeat_ms);
}

void agent_link::on_closed(std::uint16_t code, std::string_view reason) { end(code, reason, false); }

std::vector<agent_link::action> agent_link::take_actions() { return std::exchange(actions_, {}); }

std::vector<std::string> agent_link::flush(std::int64_t now_ms) {
    auto messages = output_.take();
    if (!messages.empty()) sent_ms_ = now_ms;
    if (state_ == state::established) wake_senders();
    return messages;
}

void agent_link::wake_senders() {
    if (std::exchange(replies_wait_, false))
        for (auto& [id, call] : calls_) {
            if (call.waits && call.credit > 0) {
                call.waits = false;
                actions_.emplace_back(agent_action::credit_available{id});
            }
            replies_wait_ = replies_wait_ || call.waits;
        }
    if (event_waits_ && unacknowledged_.size() < limits::events_unacknowledged_max) {
        event_waits_ = false;
        actions_.emplace_back(agent_action::output_available{});
    }
}

std::size_t agent_link::reply_chunk(std::uint64_t id, std::string_view bytes) {
    const auto it = calls_.find(id);
    if (it == calls_.end()) return 0;
    auto& call = it->second;
    withdraw(id);  // whoever answers does not ask any more
    std::size_t taken = 0;
    while (taken < bytes.size() && call.credit > 0 && !output_.full()) {
        const auto piece = bytes.substr(taken, std::min<std::size_t>(call.credit, limits::reply_chunk_bytes_max));
        if (call.scanner.feed(piece) == json_scanner::status::error) {
            fail_result(id, call.scanner.reason());
            return bytes.size();
        }
        append_reply(output_.begin_frame(), id, piece, false);
        output_.frame_done();
        call.credit -= piece.size();
        call.has_begun = true;
        taken += piece.size();
    }
    call.waits = taken < bytes.size();
    replies_wait_ = replies_wait_ || call.waits;
    return taken;
}

void agent_link::fail_result(std::uint64_t id, std::string_view reason) {
    reply_error(id,
                {error_code::internal, "The machine's own result cannot be passed on: " + std::string(reason) + ".",
                 "This is a fault of codez; what the call did stays done.", ""},
                "");
}

void agent_link::finish(std::uint64_t id) {
    const auto it = calls_.find(id);
    if (it == calls_.end()) return;
    if (it->second.scanner.state() != json_scanner::status::complete) return fail_result(id, "it is not whole");
    calls_.erase(it);
    append_reply(output_.begin_frame(), id, {}, true);
    output_.frame_done();
}

void agent_link::reply_error(std::uint64_t id, const error& e, std::string_view request_id) {
    if (calls_.erase(id) == 0) return;
    append_reply_error(output_.begin_frame(), id, to_json(e, request_id));
    output_.frame_done();
}

void agent_link::progress(std::uint64_t id, const progress_update& update) {
    const bool finite = std::isfinite(update.progress) && std::isfinite(update.total.value_or(0));
    if (!calls_.contains(id) || output_.full() || !finite) return;
    auto json = encode(update);
    if (json.size() > limits::progress_bytes_max) json = encode(progress_update{update.progress, update.total, ""});
    append_progress(output_.begin_frame(), id, json);
    output_.frame_done();
}

bool agent_link::ask(std::uint64_t id, const ask_message& message) {
    const auto it = calls_.find(id);
    if (it == calls_.end() || output_.full()) return false;
    auto& call = it->second;
    if (!call.takes_forms || !call.keys.empty() || call.has_begun) return false;
    const auto json = encode(message);
    if (!decode_ask(json)) return false;
    for (const auto& question : message.questions) call.keys.push_back(question.key);
    append_ask(output_.begin_frame(), id, ++call.asked, json);
    output_.frame_done();
    return true;
}

void agent_link::withdraw(std::uint64_t id) {
    const auto it = calls_.find(id);
    if (it == calls_.end() || it->second.keys.empty()) return;
    it->second.keys.clear();
    append_withdraw(output_.begin_frame(), id, it->second.asked);
    output_.frame_done();
}

agent_link::send_result agent_link::send_event(std::int64_t seq, std::int64_t previous_seq, std::string_view json) {
    if (state_ != state::established) return send_result::closed;
    if (!is_json_object(json, limits::event_bytes_max) || previous_seq < 0 || previous_seq >= seq || seq <= sent_seq_)
        return send_result::refused;
    if (unacknowledged_.size() >= limits::events_unacknowledged_max || output_.full()) {
        event_waits_ = true;
        return send_result::wait;
    }
    append_event(output_.begin_frame(), seq, previous_seq, json);
    output_.frame_done();
    unacknowledged_.push_back(seq);
    sent_seq_ = seq;
    return send_result::sent;
}

agent_link::send_result agent_link::send_sessions(const sessions_snapshot& snapshot) {
    if (state_ != state::established) return send_result::closed;
    const auto json = encode(snapshot);
    if (!decode_sessions(json)) return send_result::refused;
    if (output_.full()) {
        event_waits_ = true;
        return send_result::wait;
    }
    append_sessions(output_.begin_frame(), json);
    output_.frame_done();
    return send_result::sent;
}

void agent_link::close(close_code code, std::string_view reason) {
    end(static_cast<std::uint16_t>(code), reason, true);
}

void agent_link::handle(const frame& f) {
    if (const auto* handshake = std::get_if<handshake_frame>(&f)) return handle_handshake(*handshake);
    if (state_ != state::established) return violate("a frame before welcome");
    if (const auto* call = std::get_if<call_frame>(&f)) return handle_call(*call);
    if (const auto* answers = std::get_if<answers_frame>(&f)) return handle_answers(*answers);
    if (const auto* body = std::get_if<body_frame>(&f)) return handle_body(*body);
    if (const auto* credit = std::get_if<credit_frame>(&f)) return handle_credit(*credit);
    if (const auto* cancel = std::get_if<cancel_frame>(&f)) return handle_cancel(*cancel);
    if (const auto* ack = std::get_if<ack_frame>(&f)) return handle_ack(*ack);
    if (const auto* ping = std::get_if<ping_frame>(&f)) {
        if (output_.full()) return;  // what is queued tells as well that we live
        append_pong(output_.begin_frame(), ping->nonce);
        return output_.frame_done();
    }
    if (std::holds_alternative<pong_frame>(f)) return;
    if (std::holds_alternative<drain_frame>(f)) {
        if (!std::exchange(draining_, true)) actions_.emplace_back(agent_action::draining{});
        return;
    }
    violate("a frame that only machines send");
}

void agent_link::handle_handshake(const handshake_frame& f) {
    if (state_ == state::hello_sent && f.type == frame_type::challenge) return handle_challenge(f.json);
    if (state_ == state::auth_sent && f.type == frame_type::welcome) return handle_welcome(f.json);
    violate("a handshake frame out of order");
}

void agent_link::handle_challenge(std::string_view json) {
    const auto challenge = decode_challenge(json);
    if (!challenge) return violate("a broken challenge: " + challenge.error());
    if (challenge->exporter && config_.tls_exporter.empty())
        return close(close_code::auth, "the hub signed a TLS connection, and this one has none");
    if (!challenge->exporter && config_.exporter_required)
        return close(close_code::auth, "TLS ends before the hub, and this machine does not allow that");
    const auto& greeting = config_.greeting;
    const link_proof proof{.machine_id = greeting.machine_id,
                           .kid = greeting.kid,
                           .hub_origin = config_.hub_origin,
                           .agent_nonce = greeting.agent_nonce,
                           .hub_nonce = challenge->hub_nonce,
                           .boot_id = greeting.boot_id,
                           .link_counter = greeting.link_counter,
                           .tls_exporter = challenge->exporter ? config_.tls_exporter : std::string()};
    if (!config_.verify_hub(challenge->kid, hub_signing_text(proof), challenge->signature))
        return close(close_code::auth, "the hub could not prove that it is the one this machine was enrolled with");
    append_handshake(output_.begin_frame(), frame_type::auth, encode(auth{config_.sign(agent_signing_text(proof))}));
    output_.frame_done(true);
    state_ = state::auth_sent;
}

void agent_link::handle_welcome(std::string_view json) {
    auto decoded = decode_welcome(json);
    if (!decoded) return violate("a broken welcome: " + decoded.error());
    welcome_ = *decoded;
    state_ = state::established;
    actions_.emplace_back(agent_action::established{welcome_});
}

void agent_link::handle_call(const call_frame& f) {
    if (f.id <= last_call_id_) return violate("a call whose id is not above the one before");
    if (calls_.size() >= limits::calls_in_flight_max) return violate("more calls in flight than allowed");
    last_call_id_ = f.id;
    call& made = calls_.emplace(f.id, call{}).first->second;
    auto header = decode_call_header(f.header);
    if (!header)  // one caller's odd name must not cost the others their link
        return reply_error(f.id,
                           {error_code::internal, "The machine does not understand who calls: " + header.error() + ".",
                            "Update codez on that machine, or the hub.", ""},
                           "");
    made.takes_forms = std::ranges::find(header->abilities, form_ability) != header->abilities.end();
    made.body_left = header->body_bytes;
    actions_.emplace_back(agent_action::call_received{f.id, std::move(*header), std::string(f.arguments)});
}

void agent_link::handle_body(const body_frame& f) {
    if (f.id > last_call_id_) return violate("a body of a call that was never made");
    const auto it = calls_.find(f.id);
    if (it == calls_.end()) return;  // it crossed our last frame
    auto& call = it->second;
    if (f.bytes.size() > call.body_left) return violate("a body longer than its call says");
    if (f.bytes.size() > call.body_credit) return violate("a body beyond its credit");
    call.body_left -= f.bytes.size();
    call.body_credit -= f.bytes.size();
    actions_.emplace_back(agent_action::body_received{f.id, std::string(f.bytes), call.body_left == 0});
}

void agent_link::grant_body(std::uint64_t id, std::size_t bytes) {
    const auto it = calls_.find(id);
    if (it == calls_.end()) return;
    auto& call = it->second;
    call.body_ungranted += bytes;
    if (call.body_ungranted < limits::call_credit_bytes / 4 || call.body_left <= call.body_credit) return;
    const auto grant = std::min(call.body_ungranted, limits::call_credit_bytes - call.body_credit);
    call.body_ungranted = 0;
    call.body_credit += grant;
    append_body_credit(output_.begin_frame(), id, static_cast<std::uint32_t>(grant));
    output_.frame_done();
}

void agent_link::handle_answers(const answers_frame& f) {
    if (f.id > last_call_id_) return violate("answers for a call that was never made");
    const auto it = calls_.find(f.id);
    if (it == calls_.end()) return;
    auto& call = it->second;
    if (f.number == 0 || f.number > call.asked) return violate("answers to a question that was never asked");
    if (f.number < call.asked || call.keys.empty()) return;  // they crossed our withdrawal
    auto answers = decode_answers(f.json);
    if (!answers) return violate("broken answers: " + answers.error());
    const bool is_answered = answers->outcome == ask_outcome::answered;
    if (is_answered && !std::ranges::equal(answers->answers, call.keys, {}, &question_answer::key))
        return violate("answers to other questions than were asked");
    call.keys.clear();
    if (answers->outcome == ask_outcome::suspended) calls_.erase(it);
    actions_.emplace_back(agent_action::question_answered{f.id, std::move(*answers)});
}

void agent_link::handle_credit(const credit_frame& f) {
    if (f.id > last_call_id_) return violate("credit for a call that was never made");
    const auto it = calls_.find(f.id);
    if (it == calls_.end()) return;  // it crossed our last frame
    auto& call = it->second;
    call.credit = std::min<std::size_t>(call.credit + f.bytes, limits::result_bytes_max);
    if (call.waits && call.credit > 0 && !output_.full()) {
        call.waits = false;
        actions_.emplace_back(agent_action::credit_available{f.id});
    }
}

void agent_link::handle_cancel(const cancel_frame& f) {
    if (f.id > last_call_id_) return violate("cancel of a call that was never made");
    if (calls_.erase(f.id) > 0) actions_.emplace_back(agent_action::cancel_received{f.id});
}

void agent_link::handle_ack(const ack_frame& f) {
    if (f.seq > sent_seq_) return violate("an acknowledgement of an event that was never sent");
    while (!unacknowledged_.empty() && unacknowledged_.front() <= f.seq) unacknowledged_.pop_front();
    actions_.emplace_back(agent_action::events_acknowledged{f.seq});
    if (!output_.full()) wake_senders();
}

void agent_link::violate(std::string_view reason, close_code code) { close(code, reason); }

void agent_link::end(std::uint16_t code, std::string_view reason, bool close_needed) {
    if (state_ == state::closed) return;
    state_ = state::closed;
    calls_.clear();
    unacknowledged_.clear();
    if (!close_needed) output_.clear();
    actions_.emplace_back(agent_action::closed{code, close_reason(reason), close_needed});
}

}  // namespace proto
