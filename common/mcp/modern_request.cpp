#include "common/mcp/modern_request.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/json_members.hpp"
#include "common/mcp/param_headers.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

rejection refusal(const message& request, int code, std::string text) {
    rejection refused = rejection::of(400, code, std::move(text));
    refused.id = request.id;
    return refused;
}

// Which parameter Mcp-Name repeats; empty for a method that has none.
std::string_view named_parameter(std::string_view method) {
    if (method == "tools/call" || method == "prompts/get") return "name";
    if (method == "resources/read") return "uri";
    // io.modelcontextprotocol/tasks, "Routing Headers".
    if (method == "tasks/get" || method == "tasks/update" || method == "tasks/cancel") return "taskId";
    return {};
}

}  // namespace

std::string read_trace_parent(std::string_view meta) {
    constexpr std::array<std::string_view, 1> names{"traceparent"};
    std::array<std::string_view, 1> values;
    constexpr std::size_t length = 55;  // 00-<32 hex>-<16 hex>-<2 hex>
    if (!read_members(meta, names, values)) return {};
    const std::string text = decode_string(values[0], length).value_or("");
    if (text.size() != length) return {};
    for (std::size_t i = 0; i < length; ++i) {
        const bool is_dash = i == 2 || i == 35 || i == 52;
        const bool is_hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (is_dash ? text[i] != '-' : !is_hex) return {};
    }
    return text;
}

std::expected<client_terms, rejection> read_modern_terms(const message& request) {
    constexpr std::array<std::string_view, 2> names{client_capabilities_meta_key, log_level_meta_key};
    std::array<std::string_view, 2> values;
    const bool is_unique = read_members(request.meta, names, values);
    const auto& [capabilities, level] = values;
    if (!is_unique || kind_of(capabilities) != json_kind::object) {
        return std::unexpected(
            refusal(request, rpc_code::invalid_params,
                    fmt::format("Invalid params: _meta[\"{}\"] must be one object.", client_capabilities_meta_key)));
    }
    client_terms terms;
    terms.speaks = era::modern;
    terms.version = modern_version;
    terms.client = read_abilities(capabilities);
    terms.trace_parent = read_trace_parent(request.meta);
    if (level.empty()) return terms;
    constexpr std::size_t level_bytes_max = 16;
    terms.log_from = parse_log_level(decode_string(level, level_bytes_max).value_or(""));
    if (!terms.log_from) {
        return std::unexpected(refusal(
            request, rpc_code::invalid_params,
            fmt::format("Invalid params: _meta[\"{}\"] must be a level such as \"info\".", log_level_meta_key)));
    }
    return terms;
}

std::optional<rejection> check_modern_fields(const message& request, const net::http_fields& fields) {
    const auto mismatch = [&](std::string text) {
        return refusal(request, rpc_code::header_mismatch, "Header mismatch: " + std::move(text));
    };
    const std::optional<std::string_view> method = fields.find("Mcp-Method");
    if (fields.count("Mcp-Method") != 1 || *method != request.method) {
        return mismatch("the field Mcp-Method must name the body's method.");
    }
    const std::string_view parameter = named_parameter(request.method);
    if (parameter.empty()) return std::nullopt;
    const std::array<std::string_view, 1> names{parameter};
    std::array<std::string_view, 1> values;
    // A name that is not there or no string is told by the method itself.
    if (!read_members(request.params, names, values)) return std::nullopt;
    const std::optional<std::string> name = decode_string(values[0], proto::limits::http_headers_bytes_max);
    if (!name) return std::nullopt;
    const std::optional<std::string_view> field = fields.find("Mcp-Name");
    if (fields.count("Mcp-Name") != 1 || decode_field(*field) != name) {
        return mismatch(fmt::format("the field Mcp-Name must say what the parameter \"{}\" says.", parameter));
    }
    return std::nullopt;
}

}  // namespace common::mcp
