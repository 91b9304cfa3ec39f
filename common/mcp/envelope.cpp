#include "common/mcp/envelope.hpp"

#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/mcp/json_members.hpp"
#include "proto/json_scanner.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

// A body that is neither object nor array is told apart from broken JSON only when it is short enough to look at.
constexpr std::size_t scalar_body_bytes_max = 256;

std::unexpected<rejection> refuse(int code, std::string message, std::string_view id = {}) {
    rejection refused;
    refused.code = code;
    refused.message = std::move(message);
    refused.id = id;
    return std::unexpected(std::move(refused));
}

std::unexpected<rejection> refuse_json(std::string_view reason) {
    return refuse(rpc_code::parse_error, fmt::format("Parse error: the body is not valid JSON: {}.", reason));
}

std::optional<rejection> check_structure(std::string_view object) {
    proto::json_scanner scanner(proto::limits::arguments_bytes_max, proto::limits::json_depth_max);
    const proto::json_scanner::status status = scanner.feed(object);
    if (status == proto::json_scanner::status::complete) return std::nullopt;
    const bool cut = status == proto::json_scanner::status::more;
    return refuse_json(cut ? "it ends too early" : scanner.reason()).error();
}

bool is_valid_id(std::string_view id) {
    const json_kind kind = kind_of(id);
    if (id.size() > rpc_id_bytes_max) return false;
    return kind == json_kind::integer || kind == json_kind::string;
}

std::expected<message, rejection> parse_message(std::string_view object) {
    enum : std::size_t { version, id, method, params, result, error, count };
    constexpr std::array<std::string_view, count> names{"jsonrpc", "id", "method", "params", "result", "error"};
    std::array<std::string_view, count> values;
    if (!read_members(object, names, values)) {
        return refuse(rpc_code::invalid_request, "Invalid request: a member of the JSON-RPC message occurs twice.");
    }
    if (!values[id].empty() && !is_valid_id(values[id])) {
        // A response to a message that could not be read carries a null id (JSON-RPC 2.0 §5).
        const bool is_response = values[method].empty() && kind_of(values[id]) == json_kind::null;
        if (!is_response) {
            return refuse(rpc_code::invalid_request,
                          "Invalid request: \"id\" must be a string or an integer of at most 256 bytes.");
        }
        values[id] = {};
    }
    if (values[version] != R"("2.0")") {
        return refuse(rpc_code::invalid_request, "Invalid request: \"jsonrpc\" must be \"2.0\".", values[id]);
    }

    message parsed;
    parsed.id = values[id];
    const bool answers = !values[result].empty() || !values[error].empty();
    if (values[method].empty()) {
        if (!answers) return refuse(rpc_code::invalid_request, "Invalid request: \"method\" is missing.", parsed.id);
        parsed.kind = message_kind::response;
        if (values[error].empty()) parsed.result = values[result];
        return parsed;
    }
    std::optional<std::string> decoded = decode_string(values[method], rpc_method_bytes_max);
    if (answers || !decoded || decoded->empty()) {
        return refuse(rpc_code::invalid_request,
                      answers ? "Invalid request: a message has a method or a result, not both."
                              : "Invalid request: \"method\" must be a string of at most 128 bytes.",
                      parsed.id);
    }
    parsed.method = *std::move(decoded);
    parsed.kind = parsed.id.empty() ? message_kind::notification : message_kind::request;
    if (values[params].empty()) return parsed;

    if (kind_of(values[params]) != json_kind::object) {
        return refuse(rpc_code::invalid_params, "Invalid params: \"params\" must be an object.", parsed.id);
    }
    parsed.params = values[params];
    constexpr std::array<std::string_view, 1> meta_name{"_meta"};
    std::array<std::string_view, 1> meta;
    if (!read_members(parsed.params, meta_name, meta) || (!meta[0].empty() && kind_of(meta[0]) != json_kind::object)) {
        return refuse(rpc_code::invalid_params, "Invalid params: \"_meta\" must be one object.", parsed.id);
    }
    parsed.meta = meta[0];
    return parsed;
}

std::expected<posted_body, rejection> parse_batch(std::string_view text, std::size_t messages_max) {
    posted_body body;
    body.is_batch = true;
    std::vector<std::string_view> objects;
    switch (split_objects(text, messages_max, objects)) {
        case split_outcome::ok:
            break;
        case split_outcome::malformed:
            return refuse_json("the array is malformed or ends too early");
        case split_outcome::not_objects:
            return refuse(rpc_code::invalid_request, "Invalid request: every element of a batch must be an object.");
        case split_outcome::too_many:
            return refuse(rpc_code::invalid_request,
                          fmt::format("Invalid request: a batch may hold at most {} messages.", messages_max));
    }
    if (objects.empty()) return refuse(rpc_code::invalid_request, "Invalid request: the batch is empty.");
    for (const std::string_view object : objects) {
        if (std::optional<rejection> refused = check_structure(object)) return std::unexpected(*std::move(refused));
        std::expected<message, rejection> parsed = parse_message(object);
        if (!parsed) return std::unexpected(std::move(parsed.error()));
        body.messages.push_back(*std::move(parsed));
    }
    return body;
}

}  // namespace

bool posted_body::has_requests() const {
    for (const message& m : messages) {
        if (m.kind == message_kind::request) return true;
    }
    return false;
}

std::expected<posted_body, rejection> parse_body(std::string_view text, std::size_t batch_messages_max) {
    const std::string_view trimmed = trim_json(text);
    if (trimmed.empty()) return refuse_json("it is empty");
    if (trimmed.front() == '[') return parse_batch(trimmed, batch_messages_max);
    // nlohmann/json would skip a byte order mark, which JSON texts must not begin with (RFC 8259 §8.1).
    const bool has_mark = trimmed.front() == '\xef';
    if (trimmed.front() != '{' && !has_mark && trimmed.size() <= scalar_body_bytes_max &&
        nlohmann::json::accept(trimmed)) {
        return refuse(rpc_code::invalid_request, "Invalid request: a JSON-RPC message is an object.");
    }
    if (std::optional<rejection> refused = check_structure(trimmed)) return std::unexpected(*std::move(refused));
    std::expected<message, rejection> parsed = parse_message(trimmed);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    posted_body body;
    body.messages.push_back(*std::move(parsed));
    return body;
}

}  // namespace common::mcp
