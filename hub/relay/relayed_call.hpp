// Carries one call to one machine and its result back, byte for byte. Hub's executor.
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/backend.hpp"
#include "hub/links/link.hpp"
#include "proto/catalogue.hpp"

namespace hub::relay {

struct relay_request {
    const common::mcp::tool_call* call = nullptr;
    const proto::tool* tool = nullptr;
    // For the first piece of the result, and for each further one: then `timeout`. The machine may still be at it.
    std::chrono::milliseconds deadline{30'000};
    // The call waits for something to happen: a hub that stops ends it at once, with `idle_answer` if there is one.
    bool ends_on_drain = false;
    std::string idle_answer;
};

// The error says what the caller can rely on: with a write tool whose machine was lost, unknown_outcome.
boost::asio::awaitable<proto::result<void>> relay_call(std::shared_ptr<links::link> to, relay_request request,
                                                       common::mcp::call_reply& reply);

// The header that a call travels with.
proto::call_header header_of(const common::mcp::tool_call& call, std::chrono::milliseconds deadline);

}  // namespace hub::relay
