#include "tests/hub/links/fake_machine.hpp"

#include "common/crypto/random.hpp"
#include "proto/limits.hpp"

namespace tests {

namespace {

proto::agent_link_config config_of(const machine_identity& identity, const std::string& hub_origin) {
    proto::agent_link_config config;
    auto& hello = config.greeting;
    hello.machine_id = identity.id;
    hello.kid = "k1";
    hello.version = "0.1.0";
    hello.boot_id = "boot";
    hello.link_counter = identity.link_counter;
    hello.log_id = identity.log_id;
    hello.catalogue = "digest";
    hello.tools = identity.tools;
    hello.abilities = {std::string(proto::questions_ability), std::string(proto::call_body_ability)};
    hello.hostname = "host";
    hello.os = "Linux";
    hello.arch = "x86_64";
    config.hub_origin = hub_origin;
    config.make_nonce = [] { return common::crypto::random_bytes(proto::limits::handshake_nonce_bytes); };
    config.sign = [key = identity.key](std::string_view text) { return key.sign(text); };
    config.verify_hub = [](std::string_view, std::string_view, std::string_view) { return true; };
    return config;
}

}  // namespace

fake_machine::fake_machine(std::unique_ptr<fake_channel> own, const machine_identity& identity,
                           const std::string& hub_origin)
    : channel(std::move(own)), link(config_of(identity, hub_origin)) {}

boost::asio::awaitable<void> fake_machine::run(std::shared_ptr<fake_machine>) {
    link.on_open(0);
    act();
    for (;;) {
        auto message = co_await channel->read();
        if (!message) {
            if (closed == 0) {
                closed = message.error().code;
                reason = message.error().reason;
            }
            link.on_closed(message.error().code, message.error().reason);
            co_return;
        }
        link.on_message(*message, 0);
        act();
    }
}

void fake_machine::act() {
    for (auto actions = link.take_actions(); !actions.empty(); actions = link.take_actions()) {
        for (auto& action : actions) {
            if (const auto* up = std::get_if<proto::agent_action::established>(&action)) welcome = up->welcome;
            if (auto* call = std::get_if<proto::agent_action::call_received>(&action)) {
                calls.push_back({call->id, std::move(call->header), std::move(call->arguments)});
                if (on_call) on_call(calls.back());
            }
            if (const auto* body = std::get_if<proto::agent_action::body_received>(&action))
                bodies[body->id] += body->bytes;
            if (const auto* c = std::get_if<proto::agent_action::cancel_received>(&action)) cancelled.push_back(c->id);
            if (auto* a = std::get_if<proto::agent_action::question_answered>(&action))
                answers.push_back(std::move(a->answers));
            if (const auto* ack = std::get_if<proto::agent_action::events_acknowledged>(&action))
                acknowledged = ack->seq;
            if (std::holds_alternative<proto::agent_action::draining>(action)) draining = true;
            if (const auto* end = std::get_if<proto::agent_action::closed>(&action)) {
                closed = end->code;
                reason = end->reason;
                channel->close(end->code, end->reason);
            }
        }
    }
    for (auto& message : link.flush(0)) channel->send(std::move(message));
}

void fake_machine::result(std::uint64_t id, std::string_view json) {
    const auto taken = link.reply_chunk(id, json);
    if (taken == json.size()) link.finish(id);
    act();
}

void fake_machine::answer(std::uint64_t id, const std::string& value) {
    result(id, R"({"content":[{"type":"text","text":"x"}],"structuredContent":)" + value + "}");
}

void fake_machine::fail(std::uint64_t id, const proto::error& e) {
    link.reply_error(id, e, "req_1");
    act();
}

}  // namespace tests
