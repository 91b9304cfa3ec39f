// The JSON-RPC envelope of what a client posted: checks the whole body once and keeps raw spans; parameters are never
// built. Views point into the body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "common/mcp/rpc_text.hpp"

namespace common::mcp {

enum class message_kind : std::uint8_t { request, notification, response };

struct message {
    message_kind kind = message_kind::request;
    std::string_view id;      // raw: a string or an integer; empty for notifications
    std::string method;       // empty for responses
    std::string_view params;  // raw object, or empty
    std::string_view meta;    // raw object params._meta, or empty
    std::string_view result;  // of a response: raw, or empty if it is an error
};

struct posted_body {
    bool is_batch = false;
    std::vector<message> messages;  // exactly one unless it is a batch, then at least one

    bool has_requests() const;
};

constexpr std::size_t rpc_id_bytes_max = 256;  // ids are echoed and remembered; a UUID has 36
constexpr std::size_t rpc_method_bytes_max = 128;

// 400 with −32700 for what is not JSON (RFC 8259, UTF-8, bounded depth), with −32600 for JSON that is no JSON-RPC
// message, with −32602 for parameters that are no object.
std::expected<posted_body, rejection> parse_body(std::string_view text, std::size_t batch_messages_max);

}  // namespace common::mcp
