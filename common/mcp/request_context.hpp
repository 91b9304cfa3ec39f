// One exchange on its way through the engine: who asks, on which terms, and the answers that have no JSON-RPC result in
// them. Lives in engine::handle()'s frame, on the exchange's executor.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/mcp/client_terms.hpp"
#include "common/mcp/engine.hpp"
#include "common/mcp/rpc_text.hpp"

namespace common::mcp {

struct shared_state;

struct request_context {
    const engine_options& options;
    backend& tools;
    const offered_features& offered;
    shared_state& shared;
    net::http_exchange& exchange;
    const proto::principal& who;
    int depth;
    boost::asio::any_io_executor executor;
    std::string request_id;
    client_terms terms = {};

    // Fills what every request to the back end has. Its views are of this context and of `id`.
    void describe(request_origin& request, std::string_view id) const;
};

// "req_" and 16 random characters.
std::string make_request_id(const engine_options& options);

// The status and JSON-RPC error of a refusal. `allow` becomes the Allow field that a 405 must have.
boost::asio::awaitable<void> refuse(request_context& context, rejection refused, std::string_view allow = {});

// No body: 202 for what needs no answer, 200 for an ended session.
boost::asio::awaitable<void> acknowledge(request_context& context, int status);

}  // namespace common::mcp
