// A posted body: what is taken are requests whose parts lie inside it and are what they seem to be.
#include <array>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/mcp/envelope.hpp"
#include "common/mcp/json_members.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

namespace {

using namespace common::mcp;

void check_span(std::string_view inside, std::string_view text) {
    if (!inside.empty())
        require(inside.data() >= text.data() && inside.data() + inside.size() <= text.data() + text.size());
}

void check_message(const message& one, std::string_view text) {
    for (const auto span : {one.id, one.params, one.meta, one.result}) check_span(span, text);
    if (one.kind == message_kind::request) require(!one.id.empty());
    if (one.kind == message_kind::notification) require(one.id.empty());
    if (one.kind == message_kind::response) {
        require(one.method.empty());
        return;
    }
    require(!one.method.empty() && one.method.size() <= rpc_method_bytes_max);
    if (one.params.empty()) return;
    if (const auto params = parse_json(one.params)) require(params->is_object());
    constexpr std::array<std::string_view, 3> names{"name", "arguments", "inputResponses"};
    std::array<std::string_view, 3> values;
    if (!read_members(one.params, names, values)) return;
    for (const auto value : values) {
        check_span(value, text);
        (void)decode_string(value, 1000);
    }
    for_each_member(one.params, [&](std::string_view key, std::string_view value) {
        check_span(key, text);
        check_span(value, text);
        return true;
    });
}

}  // namespace

void run(std::string_view input) {
    const auto body = parse_body(input, 50);
    if (body) {
        require(!body->messages.empty() && body->messages.size() <= 50);
        for (const auto& one : body->messages) check_message(one, input);
    } else {
        require(body.error().status >= 400 && body.error().code < 0);
        // The refusal is a message too.
        require(nlohmann::json::parse(error_text(body.error()), nullptr, false).is_object());
    }

    // Text that nobody has checked: any answer will do, but none from outside.
    std::vector<std::string_view> elements;
    (void)split_objects(input, 50, elements);
    for (const auto element : elements) check_span(element, input);
    (void)decode_string(input, 1000);
    for_each_member(input, [&](std::string_view key, std::string_view value) {
        check_span(key, input);
        check_span(value, input);
        return true;
    });
    require(nlohmann::json::parse(quote_json(input), nullptr, false).is_string());
}

}  // namespace fuzz
