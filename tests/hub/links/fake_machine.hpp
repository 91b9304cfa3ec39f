// A machine at the other end of a link: the agent's real side of the protocol on a channel in memory. Answers calls by a
// function, or leaves them open for the test.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/crypto/ed25519_key.hpp"
#include "proto/agent_link.hpp"
#include "tests/hub/links/fake_channel.hpp"

namespace tests {

// Who a machine is; kept over its links.
struct machine_identity {
    common::crypto::ed25519_key key = common::crypto::ed25519_key::generate();
    std::string id;
    std::uint64_t link_counter = 0;  // the test stores it, or not
    std::string log_id = "log_1";
    std::vector<std::string> tools{"get_session",   "send_prompt",        "send_and_wait",   "list_sessions",
                                   "list_projects", "get_health",         "poll_events",     "create_session",
                                   "get_state",     "get_health_details", "list_permissions"};
};

class fake_machine : public std::enable_shared_from_this<fake_machine> {
public:
    struct received_call {
        std::uint64_t id = 0;
        proto::call_header header;
        std::string arguments;
    };

    fake_machine(std::unique_ptr<fake_channel> channel, const machine_identity& identity,
                 const std::string& hub_origin);

    boost::asio::awaitable<void> run(std::shared_ptr<fake_machine> self);

    void result(std::uint64_t id, std::string_view json);
    // A CallToolResult with this as structuredContent.
    void answer(std::uint64_t id, const std::string& value);
    void fail(std::uint64_t id, const proto::error& e);
    // Bytes as they are, past the state machine, which would refuse to misbehave.
    void raw(std::string message) { channel->send(std::move(message)); }
    // Call after using `link`.
    void act();

    std::unique_ptr<fake_channel> channel;
    proto::agent_link link;
    std::optional<proto::welcome> welcome;
    std::vector<received_call> calls;
    std::vector<std::uint64_t> cancelled;
    std::vector<proto::answers_message> answers;  // to its questions
    std::map<std::uint64_t, std::string> bodies;
    std::int64_t acknowledged = 0;
    bool draining = false;
    std::uint16_t closed = 0;
    std::string reason;
    std::function<void(const received_call&)> on_call;
};

}  // namespace tests
