// One call to many machines at once, for tools whose answer is the fleet's. Each answer is parsed, bounded; a machine
// that does not answer in time is reported, never waited for. Hub's executor.
#pragma once

#include <chrono>
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

class fan_out {
public:
    explicit fan_out(std::vector<std::shared_ptr<links::link>> machines) : machines_(std::move(machines)) {}

    // Asks at most proto::limits::fan_out_machines_max at a time; answers are in the machines' order. `until` is called
    // with each answer as it comes; true ends the waiting for the others (their result is then `cancelled`).
    boost::asio::awaitable<std::vector<machine_answer>> collect(
        proto::call_header header, std::string arguments, std::chrono::milliseconds timeout,
        std::function<bool(const machine_answer&)> until = {});
    // The same with arguments of each machine's own, in the machines' order.
    boost::asio::awaitable<std::vector<machine_answer>> collect(
        proto::call_header header, std::vector<std::string> arguments, std::chrono::milliseconds timeout,
        std::function<bool(const machine_answer&)> until = {});

private:
    std::vector<std::shared_ptr<links::link>> machines_;
};

}  // namespace hub::relay
