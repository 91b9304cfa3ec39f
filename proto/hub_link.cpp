#include "proto/hub_link.hpp"

#include <algorithm>
#include <utility>

#include "proto/limits.hpp"

namespace proto {

namespace {

bool has_ability(const std::vector<std::string>& abilities, std::string_view wanted) {
    return std::ranges::find(abilities, wanted) != abilities.end();
}

}  // namespace

hub_link::hub_link(hub_link_config config) : config_(std::move(config)) {
    if (config_.heartbeat_ms == 0) config_.heartbeat_ms = limits::heartbeat_ms;
}

void hub_link::on_open(std::int64_t now_ms) {
    if (state_ != state::idle) return;
    opened_ms_ = received_ms_ = sent_ms_ = now_ms;
    state_ = state::wait_hello;
}

void hub_link::on_message(std::string_view bytes, std::int64_t now_ms) {
    if (state_ == state::idle || state_ == state::closed) return;
    received_ms_ = now_ms;
    const bool handshake = state_ != state::established;
    const auto bytes_max = handshake ? limits::handshake_frame_bytes_max + limits::frame_header_bytes
                                     : limits::link_message_to_hub_bytes_max;
    if (bytes.size() > bytes_max) return violate("a message is larger than allowed", close_code::too_big);
    if (handshake && ++handshake_frames_ > limits::handshake_frames_max)
        return violate("more frames than a handshake has");
    if (!handshake) welcome_acknowledged_ = true;
    frame_reader reader(bytes);
    for (int count = 0; state_ != state::closed; ++count) {
        const auto next = reader.next();
        if (!next)
            return violate(next.error().reason, next.error().too_big ? close_code::too_big : close_code::protocol);
        if (!*next) return;
        if (handshake && count > 0) return violate("a handshake message must be one frame");
        if (handshake)
            handle_handshake(**next, now_ms);
        else
            handle(**next);
    }
}

void hub_link::on_tick(std::int64_t now_ms) {
    if (state_ == state::idle || state_ == state::closed) return;
    if (state_ != state::established) {
        if (now_ms - opened_ms_ >= limits::handshake_ms_max)
            close(close_code::auth, "the handshake was not finished in time");
        return;
    }
    // Three missed beats, as the limits' 15 s and 45 s.
    if (now_ms - received_ms_ >= 3 * config_.heartbeat_ms)
        return close(close_code::going_away, "the machine has been silent for too long");
    if (now_ms - sent_ms_ >= config_.heartbeat_ms && output_.empty()) {
        append_ping(output_.begin_frame(), static_cast<std::uint64_t>(now_ms));
        output_.frame_done();
    }
}

std::int64_t hub_link::next_tick_ms() const {
    if (state_ != state::established) return opened_ms_ + limits::handshake_ms_max;
    return std::min(sent_ms_ + config_.heartbeat_ms, received_ms_ + 3 * config_.heartbeat_ms);
}

void hub_link::on_closed(std::uint16_t code, std::string_view reason) { end(code, reason, false); }

std::vector<hub_link::action> hub_link::take_actions() { return std::exchange(actions_, {}); }

std::vector<std::string> hub_link::flush(std::int64_t now_ms) {
    if (state_ == state::established && acknowledged_seq_ > told_seq_) {
        append_ack(output_.begin_frame(), acknowledged_seq_);
        output_.frame_done();
        told_seq_ = acknowledged_seq_;
    }
    auto messages = output_.take();
    if (!messages.empty()) sent_ms_ = now_ms;
    if (state_ == state::established) wake_bodies();
    return messages;
}

// --- The handshake ---

void hub_link::handle_handshake(const frame& f, std::int64_t now_ms) {
    const auto* handshake = std::get_if<handshake_frame>(&f);
    if (handshake != nullptr && state_ == state::wait_hello && handshake->type == frame_type::hello)
        return handle_hello(handshake->json);
    if (handshake != nullptr && state_ == state::wait_auth && handshake->type == frame_type::auth)
        return handle_auth(handshake->json, now_ms);
    violate("a frame out of the handshake's order");
}

void hub_link::handle_hello(std::string_view json) {
    auto decoded = decode_hello(json);
    if (!decoded) return violate("a broken hello: " + decoded.error());
    if (std::ranges::find(decoded->proto, link_version) == decoded->proto.end())
        return violate("no common version: this hub speaks version 1 of the link");
    hello_ = std::move(*decoded);
    state_ = state::wait_record;
    actions_.emplace_back(hub_action::authenticate{hello_});
}

link_proof hub_link::proof() const {
    return {.machine_id = hello_.machine_id,
            .kid = hello_.kid,
            .hub_origin = config_.hub_origin,
            .agent_nonce = hello_.agent_nonce,
            .hub_nonce = hub_nonce_,
            .boot_id = hello_.boot_id,
            .link_counter = hello_.link_counter,
            .tls_exporter = config_.tls_exporter};
}

void hub_link::accept_hello(const machine_record& record, std::int64_t now_ms, std::int64_t unix_ms) {
    if (state_ != state::wait_record) return;
    record_ = record;
    hub_nonce_ = config_.make_nonce();
    nonce_ms_ = now_ms;
    const challenge message{.hub_nonce = hub_nonce_,
                            .hub_id = config_.hub_id,
                            .kid = config_.hub_kid,
                            .ts_ms = unix_ms,
                            .exporter = !config_.tls_exporter.empty(),
                            .signature = config_.sign(hub_signing_text(proof()))};
    append_handshake(output_.begin_frame(), frame_type::challenge, encode(message));
    output_.frame_done(true);
    state_ = state::wait_auth;
}

void hub_link::handle_auth(std::string_view json, std::int64_t now_ms) {
    const auto decoded = decode_auth(json);
    if (!decoded) return violate("a broken auth: " + decoded.error());
    if (now_ms - nonce_ms_ >= limits::handshake_nonce_ms_max)
        return close(close_code::auth, "the challenge has expired");
    if (!config_.verify(record_.public_key, agent_signing_text(proof()), decoded->signature))
        return close(close_code::auth, "this is not the key that the machine was enrolled with");
    // Only now: whoever cannot sign must not be able to put a machine under quarantine.
    const auto verdict = judge_counter(hello_.link_counter, record_.link_counter, record_.given_to_live_link);
    if (verdict == counter_verdict::conflict) {
        actions_.emplace_back(hub_action::key_conflict{hello_, record_.link_counter});
        return close(close_code::key_conflict, "another copy of this machine's key is in use");
    }
    state_ = state::wait_admission;
    actions_.emplace_back(hub_action::verified{hello_, std::max(hello_.link_counter + 1, record_.link_counter),
                                               verdict == counter_verdict::hub_restored});
}

void hub_link::admit(const admission& a) {
    if (state_ != state::wait_admission) return;
    epoch_ = a.epoch;
    const welcome message{.epoch = a.epoch,
                          .link_counter = a.link_counter,
                          .link_state = a.link_state,
                          .policy_rev = a.policy_rev,
                          .ack_seq = a.ack_seq,
                          .heartbeat_ms = config_.heartbeat_ms,
                          .machine_name = a.machine_name};
    append_handshake(output_.begin_frame(), frame_type::welcome, encode(message));
    output_.frame_done(true);
    state_ = state::established;
    actions_.emplace_back(hub_action::established{hello_, epoch_});
}

void hub_link::refuse(close_code code, std::string_view reason) {
    if (state_ == state::wait_record || state_ == state::wait_admission) close(code, reason);
}

// --- Calls ---

result<std::uint64_t> hub_link::send_call(const call_header& header, std::string_view arguments) {
    if (state_ != state::established)
        return fail(error_code::route_unavailable, "The machine's link is not up.", "Try again in a few seconds.");
    if (draining_)
        return fail(error_code::route_unavailable, "The machine is moving to another hub.", "Try again in a second.");
    const bool internal = header.tool.contains('.');
    if (!internal && std::ranges::find(hello_.tools, header.tool) == hello_.tools.end())
        return fail(
            error_code::unsupported_by_machine,
            "The agent on this machine (version " + hello_.version + ") does not have the tool " + header.tool + ".",
            "Update codez on that machine.");
    if (!header.state.empty() && !has_ability(hello_.abilities, questions_ability))
        return fail(error_code::unsupported_by_machine,
                    "The agent on this machine (version " + hello_.version +
                        ") cannot go on with a call that has asked you something.",
                    "Update codez on that machine; follow the turn with poll_events.");
    if (header.body_bytes > 0 && !has_ability(hello_.abilities, call_body_ability))
        return fail(error_code::unsupported_by_machine,
                    "The agent on this machine (version " + hello_.version + ") does not take uploads.",
                    "Update codez on that machine.");
    if (calls_.size() >= limits::calls_in_flight_max || output_.full())
        return fail(error_code::resource_exhausted, "Too many calls are running on this machine.",
                    "Try again when some of them have ended.");
    const auto encoded = encode(header);
    if (header.body_bytes > limits::call_body_bytes_max)
        return fail(error_code::invalid_argument, "The upload is too large.", "Send at most 32 MiB.");
    if (encoded.size() > limits::call_header_bytes_max || arguments.size() > limits::arguments_bytes_max)
        return fail(error_code::invalid_argument, "The arguments are too large.", "Send at most 4 MiB.");
    const auto id = next_call_id_++;
    call& made = calls_[id];
    made.takes_forms = has_ability(header.abilities, form_ability);
    made.body_left = header.body_bytes;
    made.has_body = header.body_bytes > 0;
    append_call(output_.begin_frame(), id, encoded, arguments);
    output_.frame_done();
    return id;
}

std::size_t hub_link::send_body(std::uint64_t id, std::string_view bytes) {
    const auto it = calls_.find(id);
    if (it == calls_.end()) return 0;
    auto& call = it->second;
    bytes = bytes.substr(0, call.body_left);
    std::size_t taken = 0;
    while (taken < bytes.size() && call.body_credit > 0 && !output_.full()) {
        const auto piece = bytes.substr(taken, std::min<std::size_t>(call.body_credit, limits::reply_chunk_bytes_max));
        append_body(output_.begin_frame(), id, piece);
        output_.frame_done();
        call.body_credit -= piece.size();
        call.body_left -= piece.size();
        taken += piece.size();
    }
    call.body_waits = taken < bytes.size();
    bodies_wait_ = bodies_wait_ || call.body_waits;
    return taken;
}

void hub_link::wake_bodies() {
    if (!std::exchange(bodies_wait_, false)) return;
    for (auto& [id, call] : calls_) {
        if (call.body_waits && call.body_credit > 0 && !output_.full()) {
            call.body_waits = false;
            actions_.emplace_back(hub_action::body_wanted{id});
        }
        bodies_wait_ = bodies_wait_ || call.body_waits;
    }
}

void hub_link::cancel(std::uint64_t id) {
    if (!calls_.contains(id)) return;
    append_cancel(output_.begin_frame(), id);
    output_.frame_done();
    call_over(id);
}

void hub_link::answer(std::uint64_t id, std::uint32_t number, const answers_message& message) {
    const auto it = calls_.find(id);
    if (it == calls_.end() || !it->second.is_asking || it->second.asked != number) return;
    it->second.is_asking = false;
    append_answers(output_.begin_frame(), id, number, encode(output_.full() ? answers_message{} : message));
    output_.frame_done();
    if (message.outcome == ask_outcome::suspended) call_over(id);
}

void hub_link::grant_credit(std::uint64_t id, std::size_t bytes) {
    const auto it = calls_.find(id);
    if (it == calls_.end()) return;
    auto& call = it->second;
    call.ungranted += bytes;
    // In quarters of the window: most results end before the first one is due.
    if (call.ungranted < limits::call_credit_bytes / 4) return;
    const auto grant = std::min(call.ungranted, limits::call_credit_bytes - call.credit);
    call.ungranted = 0;
    call.credit += grant;
    append_credit(output_.begin_frame(), id, static_cast<std::uint32_t>(grant));
    output_.frame_done();
}

void hub_link::acknowledge_events(std::int64_t seq) {
    acknowledged_seq_ = std::max(acknowledged_seq_, std::min(seq, last_event_seq_));
}

void hub_link::drain() {
    if (state_ != state::established || std::exchange(draining_, true)) return;
    append_drain(output_.begin_frame());
    output_.frame_done();
    if (calls_.empty()) actions_.emplace_back(hub_action::drained{});
}

void hub_link::close(close_code code, std::string_view reason) { end(static_cast<std::uint16_t>(code), reason, true); }

void hub_link::call_over(std::uint64_t id) {
    calls_.erase(id);
    if (draining_ && calls_.empty()) actions_.emplace_back(hub_action::drained{});
}

// --- What the machine sends ---

void hub_link::handle(const frame& f) {
    if (const auto* reply = std::get_if<reply_frame>(&f)) return handle_reply(*reply);
    if (const auto* progress = std::get_if<progress_frame>(&f)) return handle_progress(*progress);
    if (const auto* ask = std::get_if<ask_frame>(&f)) return handle_ask(*ask);
    if (const auto* withdraw = std::get_if<withdraw_frame>(&f)) return handle_withdraw(*withdraw);
    if (const auto* credit = std::get_if<body_credit_frame>(&f)) return handle_body_credit(*credit);
    if (const auto* event = std::get_if<event_frame>(&f)) return handle_event(*event);
    if (const auto* sessions = std::get_if<sessions_frame>(&f)) return handle_sessions(*sessions);
    if (const auto* ping = std::get_if<ping_frame>(&f)) {
        if (output_.full()) return;  // what is queued tells as well that we live
        append_pong(output_.begin_frame(), ping->nonce);
        return output_.frame_done();
    }
    if (std::holds_alternative<pong_frame>(f)) return;
    violate("a frame that only hubs send");
}

void hub_link::handle_reply(const reply_frame& f) {
    if (!was_issued(f.id)) return violate("a reply to a call that was never made");
    const auto it = calls_.find(f.id);
    if (it == calls_.end()) return;  // cancelled, and the machine did not know it yet
    if (f.error) {
        auto e = parse_error(f.bytes);
        if (!e) return violate("an error that is not an error envelope");
        actions_.emplace_back(hub_action::reply_failed{f.id, std::move(*e), false});
        return call_over(f.id);
    }
    auto& call = it->second;
    if (call.is_asking) return violate("a reply while its question is open");
    call.has_begun = true;
    if (f.bytes.size() > call.credit) return violate("a reply beyond its credit");
    call.credit -= f.bytes.size();
    const auto status = call.scanner.feed(f.bytes);
    if (status == json_scanner::status::error)
        return violate("a reply that is not one JSON object: " + std::string(call.scanner.reason()));
    if (f.fin && status != json_scanner::status::complete) return violate("a reply that ends inside its JSON object");
    if (f.fin || !f.bytes.empty()) actions_.emplace_back(hub_action::reply_chunk{f.id, std::string(f.bytes), f.fin});
    if (f.fin) call_over(f.id);
}

void hub_link::handle_progress(const progress_frame& f) {
    if (!was_issued(f.id)) return violate("progress of a call that was never made");
    if (!calls_.contains(f.id)) return;
    auto update = decode_progress(f.json);
    if (!update) return violate("broken progress: " + update.error());
    actions_.emplace_back(hub_action::progress_received{f.id, std::move(*update)});
}

void hub_link::handle_ask(const ask_frame& f) {
    if (!was_issued(f.id)) return violate("a question of a call that was never made");
    const auto it = calls_.find(f.id);
    if (it == calls_.end()) return;  // cancelled, and the machine did not know it yet
    auto& call = it->second;
    if (!call.takes_forms) return violate("a question to a client that cannot be asked");
    if (call.has_begun) return violate("a question after its call's result has begun");
    if (call.is_asking) return violate("a question while another one is open");
    if (f.number != call.asked + 1) return violate("a question out of its order");
    auto asked = decode_ask(f.json);
    if (!asked) return violate("a broken question: " + asked.error());
    call.asked = f.number;
    call.is_asking = true;
    actions_.emplace_back(hub_action::question_received{f.id, f.number, std::move(*asked)});
}

void hub_link::handle_withdraw(const withdraw_frame& f) {
    if (!was_issued(f.id)) return violate("a withdrawal for a call that was never made");
    const auto it = calls_.find(f.id);
    if (it == calls_.end()) return;
    auto& call = it->second;
    if (f.number == 0 || f.number > call.asked) return violate("a withdrawal of a question that was never asked");
    if (f.number < call.asked || !call.is_asking) return;  // it crossed our answer
    call.is_asking = false;
    actions_.emplace_back(hub_action::question_withdrawn{f.id});
}

void hub_link::handle_body_credit(const body_credit_frame& f) {
    if (!was_issued(f.id)) return violate("credit for the body of a call that was never made");
    const auto it = calls_.find(f.id);
    if (it == calls_.end()) return;  // it crossed our cancel
    if (!it->second.has_body) return violate("credit for a body that the call does not have");
    auto& credit = it->second.body_credit;
    credit = std::min<std::size_t>(credit + f.bytes, limits::call_credit_bytes);
    wake_bodies();
}

void hub_link::handle_event(const event_frame& f) {
    if (f.seq <= last_event_seq_) return violate("an event whose seq is not above the one before");
    if (!is_json_object(f.json, limits::event_bytes_max)) return violate("an event that is not one JSON object");
    last_event_seq_ = f.seq;
    actions_.emplace_back(hub_action::event_received{f.seq, f.previous_seq, std::string(f.json)});
}

void hub_link::handle_sessions(const sessions_frame& f) {
    auto snapshot = decode_sessions(f.json);
    if (!snapshot) return violate("a broken list of sessions: " + snapshot.error());
    actions_.emplace_back(hub_action::sessions_received{std::move(*snapshot)});
}

void hub_link::violate(std::string_view reason, close_code code) {
    lose_calls({error_code::internal, "The machine broke the link's protocol, so its result was thrown away.",
                "Look at the log of codez on that machine, and update it.", ""});
    close(code, reason);
}

void hub_link::lose_calls(const error& e) {
    for (const auto& [id, call] : calls_) actions_.emplace_back(hub_action::reply_failed{id, e, true});
    calls_.clear();
}

void hub_link::end(std::uint16_t code, std::string_view reason, bool close_needed) {
    if (state_ == state::closed) return;
    state_ = state::closed;
    lose_calls({error_code::machine_offline, "The link to the machine ended before its answer was whole.",
                "See with list_machines whether it is back; what the call did so far is not known.", ""});
    if (!close_needed) output_.clear();
    actions_.emplace_back(hub_action::closed{code, close_reason(reason), close_needed});
}

}  // namespace proto
