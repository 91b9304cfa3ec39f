// The other end of a fake_channel: the hub's own side of the protocol, which answers the handshake and keeps what comes.
// step() carries what lies on the wire; the test says when.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/hub_link.hpp"
#include "proto/limits.hpp"
#include "tests/agent/link/fake_channel.hpp"

namespace agent::link::test {

struct answered {
    std::string bytes;
    bool whole = false;
    std::optional<proto::error> error;
    bool lost = false;
    std::vector<double> progress;
    std::vector<proto::ask_message> asked;
    std::uint32_t last_question = 0;
    int withdrawn = 0;
};

class fake_hub {
public:
    // `verify`: is this the machine's signature?
    fake_hub(std::shared_ptr<wire> w, std::function<bool(std::string_view text, std::string_view signature)> verify,
             std::function<std::string(std::string_view)> sign, std::string origin, std::string kid)
        : wire_(std::move(w)), link_(config(std::move(verify), std::move(sign), std::move(origin), std::move(kid))) {
        link_.on_open(0);
    }

    // What the hub's database holds of the machine.
    proto::machine_record record{"machine", 0, false};
    proto::admission admitted{
        .epoch = 1, .link_counter = 0, .link_state = "active", .policy_rev = 0, .ack_seq = 0, .machine_name = ""};
    std::optional<std::pair<proto::close_code, std::string>> refusal;  // instead of admitting
    bool grants_credit = true;
    bool acknowledges = true;

    std::map<std::uint64_t, answered> calls;
    std::vector<proto::hub_action::event_received> events;
    std::vector<proto::sessions_snapshot> snapshots;
    std::optional<proto::hub_action::closed> closed;
    proto::hello hello;
    bool drained = false;

    // True: something moved.
    bool step() {
        bool moved = false;
        for (auto& message : std::exchange(wire_->from_agent, {})) {
            link_.on_message(message, 0);
            moved = true;
        }
        if (wire_->closed_by_agent && !told_closed_) {
            told_closed_ = true;
            link_.on_closed(wire_->closed_by_agent->code, wire_->closed_by_agent->reason);
            moved = true;
        }
        for (auto actions = link_.take_actions(); !actions.empty(); actions = link_.take_actions())
            for (auto& a : actions) {
                std::visit([this](auto&& one) { handle(std::move(one)); }, std::move(a));
                moved = true;
            }
        for (auto& message : link_.flush(0)) {
            wire_->say(std::move(message));
            moved = true;
        }
        if (closed && closed->close_needed && !wire_->closed) {
            wire_->cut(closed->code, closed->reason);
            moved = true;
        }
        return moved;
    }

    std::uint64_t call(std::string tool, std::string arguments, std::string workspace = "w",
                       std::int64_t deadline_ms = 30'000, bool progress = false,
                       std::vector<std::string> abilities = {}, std::string state = {}) {
        proto::call_header header;
        header.abilities = std::move(abilities);
        header.state = std::move(state);
        header.tool = std::move(tool);
        header.who.workspace_id = std::move(workspace);
        header.who.user_id = "u";
        header.who.client_id = "c";
        header.who.scopes = {"mcp:tools"};
        header.deadline_ms = deadline_ms;
        header.request_id = "req_1";
        header.progress = progress;
        return link_.send_call(header, arguments).value();
    }
    void grant(std::uint64_t id, std::size_t bytes) { link_.grant_credit(id, bytes); }
    void answer(std::uint64_t id, const proto::answers_message& message) {
        link_.answer(id, calls[id].last_question, message);
    }
    void cancel(std::uint64_t id) { link_.cancel(id); }
    void acknowledge(std::int64_t seq) { link_.acknowledge_events(seq); }
    void drain() { link_.drain(); }
    void close(proto::close_code code, std::string_view reason) { link_.close(code, reason); }
    bool established() const { return link_.is_established(); }

private:
    static proto::hub_link_config config(std::function<bool(std::string_view, std::string_view)> verify,
                                         std::function<std::string(std::string_view)> sign, std::string origin,
                                         std::string kid) {
        proto::hub_link_config out;
        out.hub_id = "hub_1";
        out.hub_kid = std::move(kid);
        out.hub_origin = std::move(origin);
        out.make_nonce = [] { return std::string(32, 'h'); };
        out.sign = std::move(sign);
        out.verify = [verify = std::move(verify)](std::string_view, std::string_view text, std::string_view signature) {
            return verify(text, signature);
        };
        return out;
    }

    void handle(proto::hub_action::authenticate&& a) {
        hello = a.hello;
        link_.accept_hello(record, 0, 1'700'000'000'000);
    }
    void handle(proto::hub_action::verified&& a) {
        if (refusal) return link_.refuse(refusal->first, refusal->second);
        admitted.link_counter = a.next_counter;
        record.link_counter = a.next_counter;
        link_.admit(admitted);
    }
    void handle(proto::hub_action::key_conflict&&) {}
    void handle(proto::hub_action::established&&) {}
    void handle(proto::hub_action::body_wanted&&) {}  // it sends none
    void handle(proto::hub_action::reply_chunk&& a) {
        auto& call = calls[a.id];
        call.bytes += a.bytes;
        call.whole = call.whole || a.fin;
        if (grants_credit && !a.fin) link_.grant_credit(a.id, a.bytes.size());
    }
    void handle(proto::hub_action::reply_failed&& a) {
        calls[a.id].error = std::move(a.error);
        calls[a.id].lost = a.link_lost;
    }
    void handle(proto::hub_action::progress_received&& a) { calls[a.id].progress.push_back(a.update.progress); }
    void handle(proto::hub_action::question_received&& a) {
        calls[a.id].asked.push_back(std::move(a.asked));
        calls[a.id].last_question = a.number;
    }
    void handle(proto::hub_action::question_withdrawn&& a) { ++calls[a.id].withdrawn; }
    void handle(proto::hub_action::event_received&& a) {
        if (acknowledges) link_.acknowledge_events(a.seq);
        events.push_back(std::move(a));
    }
    void handle(proto::hub_action::sessions_received&& a) { snapshots.push_back(std::move(a.snapshot)); }
    void handle(proto::hub_action::drained&&) {
        drained = true;
        link_.close(proto::close_code::draining, "The hub restarts; link again now.");
    }
    void handle(proto::hub_action::closed&& a) { closed = std::move(a); }

    std::shared_ptr<wire> wire_;
    proto::hub_link link_;
    bool told_closed_ = false;
};

}  // namespace agent::link::test
