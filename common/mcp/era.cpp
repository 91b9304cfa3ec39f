#include "common/mcp/era.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/json_members.hpp"

namespace common::mcp {
namespace {

struct served_version {
    std::string_view name;
    era belongs_to;
};

// The two oldest never had this transport, but clients that still name them speak it all the same.
constexpr std::array<served_version, 6> served_versions{{
    {modern_version, era::modern},
    {latest_legacy_version, era::legacy},
    {"2025-06-18", era::legacy},
    {"2025-03-26", era::legacy},
    {"2024-11-05", era::legacy},
    {"2024-10-07", era::legacy},
}};

constexpr std::size_t version_bytes_max = 64;

// Requests of the modern era that have no legacy meaning: without a claim they are a probe gone wrong.
constexpr std::array<std::string_view, 2> modern_methods{"server/discover", "subscriptions/listen"};

// A claim in _meta is answered with the versions that can be claimed there; the others begin with initialize, and a
// client of both eras knows that (as server/discover names no others).
rejection unsupported_version(std::string_view requested, std::string_view id, bool is_claim) {
    std::string supported;
    for (const served_version& version : served_versions) {
        if (is_claim && version.belongs_to != era::modern) continue;
        if (!supported.empty()) supported += ',';
        supported += quote_json(version.name);
    }
    const std::string_view shown = requested.substr(0, version_bytes_max);
    rejection refused;
    refused.code = rpc_code::unsupported_protocol_version;
    refused.message =
        fmt::format("Unsupported protocol version: {}. Use one of the versions in data.supported.", shown);
    refused.data = fmt::format(R"({{"supported":[{}],"requested":{}}})", supported, quote_json(shown));
    refused.id = id;
    return refused;
}

// The raw value of the version that the message claims for itself; empty if it claims none.
std::expected<std::string_view, rejection> claim_of(const message& m) {
    constexpr std::array<std::string_view, 1> names{protocol_version_meta_key};
    std::array<std::string_view, 1> values;
    const bool unique = read_members(m.meta, names, values);
    if (unique && (values[0].empty() || kind_of(values[0]) == json_kind::string)) return values[0];
    rejection refused;
    refused.code = rpc_code::invalid_params;
    refused.message = fmt::format("Invalid params: _meta[\"{}\"] must be one string.", protocol_version_meta_key);
    refused.id = m.id;
    return std::unexpected(std::move(refused));
}

rejection refusal(const message& m, int code, std::string text) {
    rejection refused = rejection::of(400, code, std::move(text));
    refused.id = m.id;
    return refused;
}

std::expected<era, rejection> classify_claim(const message& m, std::string_view claim,
                                             std::optional<std::string_view> header) {
    const std::string version = decode_string(claim, version_bytes_max).value_or("(too long)");
    if (header && *header != version) {
        return std::unexpected(
            refusal(m, rpc_code::header_mismatch,
                    "Header mismatch: the field MCP-Protocol-Version names another version than _meta does."));
    }
    const std::optional<era> claimed = era_of_version(version);
    if (!claimed) return std::unexpected(unsupported_version(version, m.id, true));
    if (!header && *claimed == era::modern && m.kind == message_kind::request) {
        return std::unexpected(
            refusal(m, rpc_code::header_mismatch, "Header mismatch: the field MCP-Protocol-Version is missing."));
    }
    return *claimed;
}

std::expected<era, rejection> classify_one(const message& m, std::optional<std::string_view> header) {
    const std::expected<std::string_view, rejection> claim = claim_of(m);
    if (!claim) return std::unexpected(claim.error());
    if (!claim->empty()) return classify_claim(m, *claim, header);

    // initialize negotiates the version itself, whatever a header carried over from a probe says.
    if (m.method == "initialize") return era::legacy;
    const std::optional<era> named = header ? era_of_version(*header) : era::legacy;
    if (!named) return std::unexpected(unsupported_version(*header, m.id, false));
    if (*named == era::modern) {
        if (m.kind == message_kind::notification) return era::modern;
        if (m.kind == message_kind::response) {
            return std::unexpected(refusal(m, rpc_code::invalid_request,
                                           "Invalid request: in this protocol version clients send no responses."));
        }
        return std::unexpected(refusal(m, rpc_code::invalid_params,
                                       fmt::format("Invalid params: _meta lacks \"{}\".", protocol_version_meta_key)));
    }
    if (std::ranges::find(modern_methods, m.method) != modern_methods.end()) {
        rejection refused = refusal(m, rpc_code::method_not_found,
                                    fmt::format("Method not found: {}. Start with initialize.", m.method));
        refused.status = 404;
        return std::unexpected(std::move(refused));
    }
    return era::legacy;
}

}  // namespace

std::optional<era> era_of_version(std::string_view version) {
    for (const served_version& served : served_versions) {
        if (served.name == version) return served.belongs_to;
    }
    return std::nullopt;
}

std::string_view negotiate_version(std::string_view requested) {
    for (const served_version& served : served_versions) {
        if (served.name == requested && served.belongs_to == era::legacy) return served.name;
    }
    return latest_legacy_version;
}

std::expected<era, rejection> classify(const posted_body& body, std::optional<std::string_view> header) {
    for (const message& m : body.messages) {
        std::expected<era, rejection> found = classify_one(m, header);
        if (!found) return found;
        if (!body.is_batch) return found;
        if (*found == era::modern) {
            rejection refused;
            refused.message = "Invalid request: this protocol version has no batches.";
            return std::unexpected(std::move(refused));
        }
    }
    return era::legacy;
}

}  // namespace common::mcp
