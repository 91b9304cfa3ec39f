#include "tests/proto/link_pair.hpp"

#include <memory>

#include "proto/limits.hpp"

namespace proto::test {

std::string fake_sign(std::string_view key, std::string_view text) {
    return std::string(key) + ":" + std::to_string(std::hash<std::string_view>{}(text));
}

call_header header_of(const std::string& tool) {
    return {.tool = tool,
            .who = {"w_1", "u_1", "c_1", "Ann", {"mcp:tools"}},
            .depth = 0,
            .deadline_ms = 30'000,
            .request_id = "req_1",
            .progress = false};
}

link_pair::link_pair() {
    const auto nonce = [this] { return std::string(31, 'n') + static_cast<char>('a' + nonces_++ % 26); };
    const auto verify = [](std::string_view key, std::string_view text, std::string_view signature) {
        return fake_sign(key, text) == signature;
    };
    agent_config.greeting = {.machine_id = "m_1",
                             .kid = "k1",
                             .agent_nonce = "",
                             .proto = {1},
                             .version = "0.1.0",
                             .boot_id = "boot",
                             .link_counter = 4,
                             .resume = {},
                             .log_id = "log",
                             .last_seq = 0,
                             .catalogue = "d",
                             .tools = {"send_prompt", "get_session"},
                             .abilities = {"call_body"},
                             .hostname = "box",
                             .os = "linux",
                             .arch = "x86_64"};
    agent_config.hub_origin = "https://hub";
    agent_config.tls_exporter = std::string(32, 'e');
    agent_config.make_nonce = nonce;
    agent_config.sign = [](std::string_view text) { return fake_sign("machine-key", text); };
    agent_config.verify_hub = [verify](std::string_view kid, std::string_view text, std::string_view signature) {
        return kid == "hk1" && verify("hub-key", text, signature);
    };
    hub_config.hub_id = "hub_1";
    hub_config.hub_kid = "hk1";
    hub_config.hub_origin = "https://hub";
    hub_config.tls_exporter = std::string(32, 'e');
    hub_config.make_nonce = nonce;
    hub_config.sign = [](std::string_view text) { return fake_sign("hub-key", text); };
    hub_config.verify = verify;
    record = {.public_key = "machine-key", .link_counter = 4, .given_to_live_link = false};
    admitted = {
        .epoch = 3, .link_counter = 0, .link_state = "active", .policy_rev = 1, .ack_seq = 0, .machine_name = "box"};
}

void link_pair::open() {
    agent = std::make_unique<agent_link>(agent_config);
    hub = std::make_unique<hub_link>(hub_config);
    agent->on_open(now);
    hub->on_open(now);
}

void link_pair::collect() {
    for (auto& action : hub->take_actions()) {
        if (answers && std::holds_alternative<hub_action::authenticate>(action))
            hub->accept_hello(record, now, 1'700'000'000'000);
        if (const auto* verified = std::get_if<hub_action::verified>(&action); answers && verified != nullptr) {
            admitted.link_counter = verified->next_counter;
            hub->admit(admitted);
        }
        hub_actions.push_back(std::move(action));
    }
    for (auto& action : agent->take_actions()) agent_actions.push_back(std::move(action));
}

bool link_pair::step() {
    collect();
    auto up = agent->flush(now);
    auto down = hub->flush(now);
    for (const auto& message : up) {
        hub->on_message(message, now);
        collect();
    }
    for (const auto& message : down) {
        agent->on_message(message, now);
        collect();
    }
    collect();
    to_hub.insert(to_hub.end(), up.begin(), up.end());
    to_agent.insert(to_agent.end(), down.begin(), down.end());
    return !up.empty() || !down.empty();
}

void link_pair::run() {
    while (step()) {
    }
}

void link_pair::establish() {
    open();
    run();
    ASSERT_TRUE(agent->is_established());
    ASSERT_TRUE(hub->is_established());
    clear();
}

void link_pair::inject(const std::string& message) {
    hub->on_message(message, now);
    collect();
}

std::uint16_t link_pair::hub_close_code() const {
    const auto closed = of_hub<hub_action::closed>();
    return closed.size() == 1 ? closed[0].code : 0;
}

std::uint16_t link_pair::agent_close_code() const {
    const auto closed = of_agent<agent_action::closed>();
    return closed.size() == 1 ? closed[0].code : 0;
}

std::string link_pair::passed_on(std::uint64_t id) const {
    std::string bytes;
    for (const auto& chunk : of_hub<hub_action::reply_chunk>())
        if (chunk.id == id) bytes += chunk.bytes;
    return bytes;
}

std::uint64_t link_pair::call(const std::string& tool, const std::string& arguments) {
    const auto id = hub->send_call(header_of(tool), arguments);
    EXPECT_TRUE(id.has_value());
    return id.value_or(0);
}

void link_pair::clear() {
    hub_actions.clear();
    agent_actions.clear();
    to_hub.clear();
    to_agent.clear();
}

}  // namespace proto::test
