// One call to many machines at once, for tools whose answer is the fleet's. Each answer is parsed, bounded; a machine
// that does not answer in time is reported, never waited for. Hub's executor.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include "hub/links/link.hpp"
#include "proto/error.hpp"

namespace hub::relay {

struct machine_answer {
    std::string machine_id;
    std::string machine_name;
    proto::result<nlohmann::json> result;  // the structuredContent of the machine's CallToolResult
};

struct fan_out_request {
    proto::call_header header;
    std::vector<std::string> arguments;  // one for all, or one for each machine
    std::chrono::milliseconds timeout{0};
    // Called with each answer as it comes; true ends the waiting for the others (their result is then `cancelled`).
    std::function<bool(const machine_answer&)> until{};
    bool ends_on_drain = false;  // the calls wait for something to happen
};

class fan_out {
public:
    explicit fan_out(std::vector<std::shared_ptr<links::link>> machines);

    // Asks at most proto::limits::fan_out_machines_max at a time, all if the calls wait for something; answers are in the machines' order. Once for an object.
    boost::asio::awaitable<std::vector<machine_answer>> collect(fan_out_request request);
    // Ends the waiting, as if `until` had said so.
    void stop();

private:
    struct round;
    // Own what they need: an object may go while they run.
    static boost::asio::awaitable<std::vector<machine_answer>> gather(std::shared_ptr<round> shared);
    static boost::asio::awaitable<void> work(std::shared_ptr<round> shared);

    std::shared_ptr<round> round_;
};

}  // namespace hub::relay
