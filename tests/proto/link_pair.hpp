// Both sides of a link joined in memory, with a clock that the test turns and signatures that can be told right from
// wrong without any crypto.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/agent_link.hpp"
#include "proto/hub_link.hpp"

namespace proto::test {

// "Signs" by naming the key: a signature holds for one key and one text only.
std::string fake_sign(std::string_view key, std::string_view text);

class link_pair {
public:
    link_pair();

    // Both connections up; messages do not move yet.
    void open();
    // Moves messages to and fro until both are silent, collecting actions. Answers the hub's handshake questions from
    // `record` and `admission` if asked to.
    void run();
    // open() and run() to the established state; clears the actions.
    void establish();
    // The agent's messages do not reach the hub: what a hostile machine sends instead.
    void inject(const std::string& message);

    template <class T, class Actions>
    static std::vector<T> all(const Actions& actions) {
        std::vector<T> found;
        for (const auto& action : actions)
            if (const auto* a = std::get_if<T>(&action)) found.push_back(*a);
        return found;
    }
    template <class T>
    std::vector<T> of_hub() const {
        return all<T>(hub_actions);
    }
    template <class T>
    std::vector<T> of_agent() const {
        return all<T>(agent_actions);
    }
    std::uint16_t hub_close_code() const;
    std::uint16_t agent_close_code() const;
    // The result bytes that the hub passed on for one call.
    std::string passed_on(std::uint64_t id) const;
    std::uint64_t call(const std::string& tool = "send_prompt", const std::string& arguments = "{}");
    void clear();

    agent_link_config agent_config;
    hub_link_config hub_config;
    machine_record record;
    admission admitted;
    bool answers = true;  // run() answers authenticate and verified
    std::int64_t now = 1'000'000;

    std::unique_ptr<agent_link> agent;
    std::unique_ptr<hub_link> hub;
    std::vector<agent_link::action> agent_actions;
    std::vector<hub_link::action> hub_actions;
    std::vector<std::string> to_hub;  // all that was sent
    std::vector<std::string> to_agent;

private:
    bool step();
    void collect();
    int nonces_ = 0;
};

call_header header_of(const std::string& tool);

}  // namespace proto::test
