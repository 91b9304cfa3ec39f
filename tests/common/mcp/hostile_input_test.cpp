// Bodies that were made to hurt: they are refused in bounded time and memory, and never crash.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

std::string nested(std::size_t depth, char open, char close, std::string_view inside) {
    return std::string(depth, open) + std::string(inside) + std::string(depth, close);
}

std::string objects(std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += R"({"a":)";
    return text + "1" + std::string(depth, '}');
}

TEST(hostile_input, a_million_brackets) {
    harness h;
    for (const char* bracket : {"[", "{", "]", "}", "\"", "\\", "{\"a\":", "[{"}) {
        std::string body;
        while (body.size() < 1'000'000) body += bracket;
        const auto exchange = h.post(body);
        EXPECT_EQ(exchange->status, 400) << bracket;
        EXPECT_LT(exchange->body.size(), 1000u);
    }
    expect_rpc_error(*h.post(nested(500'000, '[', ']', "")), 400, -32600);
    expect_rpc_error(*h.post(call_body("echo", R"(,"arguments":{"x":)" + nested(500'000, '[', ']', "") + "}")), 400,
                     -32700);
}

TEST(hostile_input, depth_is_bounded_but_not_tight) {
    harness h;
    EXPECT_EQ(h.post(call_body("echo", R"(,"arguments":)" + objects(60)))->status, 200);
    expect_rpc_error(*h.post(call_body("echo", R"(,"arguments":)" + objects(70))), 400, -32700);
    expect_rpc_error(*h.post("[" + call_body("echo", R"(,"arguments":)" + objects(70)) + "]"), 400, -32700);
}

TEST(hostile_input, invalid_utf8_anywhere) {
    harness h;
    for (const char* bytes : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80"}) {
        expect_rpc_error(*h.post(call_body("echo", fmt::format(R"(,"arguments":{{"x":"{}"}})", bytes))), 400, -32700);
        expect_rpc_error(*h.post(call_body("echo", fmt::format(R"(,"arguments":{{"{}":1}})", bytes))), 400, -32700);
        expect_rpc_error(*h.post(fmt::format(R"({{"jsonrpc":"2.0","id":"{}","method":"ping"}})", bytes)), 400, -32700);
    }
    EXPECT_TRUE(h.backend.calls.empty());
}

TEST(hostile_input, raw_control_characters_and_bad_literals) {
    harness h;
    for (const std::string& value :
         {std::string("\"a\nb\""), std::string("\"a\0b\"", 5), std::string("\"\x1f\""), std::string("01"),
          std::string("+1"), std::string("1."), std::string(".5"), std::string("NaN"), std::string("tru"),
          std::string("True"), std::string("'a'"), std::string("\"\\x\""), std::string("\"\\u12\""), std::string("1 2"),
          std::string("/*c*/1"), std::string("[1,]"), std::string("{\"a\":1,}")}) {
        expect_rpc_error(*h.post(call_body("echo", R"(,"arguments":{"x":)" + value + "}")), 400, -32700);
    }
    EXPECT_TRUE(h.backend.calls.empty());
}

TEST(hostile_input, every_prefix_of_a_request_is_refused) {
    harness h;
    const std::string whole =
        call_body("echo", R"(,"arguments":{"a":[true,null,-1.5e3,"\u00e9\\\""],"b":{}},"_meta":{"progressToken":"x"})");
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto exchange = h.post(whole.substr(0, length));
        expect_rpc_error(*exchange, 400, -32700);
    }
    EXPECT_TRUE(h.backend.calls.empty());
    EXPECT_EQ(h.post(whole)->status, 200);
}

TEST(hostile_input, every_prefix_of_a_batch_is_refused) {
    harness h;
    const std::string whole = "[" + call_body("echo") + ", " + call_body("echo") + "]";
    for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_EQ(h.post(whole.substr(0, length))->status, 400) << length;
    }
    EXPECT_TRUE(h.backend.calls.empty());
}

TEST(hostile_input, every_byte_of_a_request_replaced) {
    harness h;
    const std::string whole = call_body("echo", R"(,"arguments":{"a":[1,"b"]},"_meta":{"progressToken":1})");
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const char c : {'"', '\\', '{', '}', '[', ']', ',', ':', '\0', '\n', '\xff', '0'}) {
            std::string body = whole;
            body[at] = c;
            const auto exchange = h.post(body);
            EXPECT_TRUE(exchange->status == 200 || exchange->status == 400 || exchange->status == 202) << body;
            if (exchange->has_started)
                EXPECT_TRUE(exchange->events().is_whole) << exchange->body;
            else if (exchange->status != 202)
                EXPECT_TRUE(exchange->json().is_object()) << exchange->body;
        }
    }
}

TEST(hostile_input, keys_that_occur_twice_in_any_spelling) {
    harness h;
    for (const char* more : {R"(,"id":8)", R"(,"\u0069d":8)", R"(,"method":"ping")", R"(,"m\u0065thod":"ping")",
                             R"(,"params":{})", R"(,"jsonrpc":"2.0")", R"(,"\u006a\u0073\u006f\u006erpc":"1")"}) {
        std::string body = call_body("echo");
        body.insert(body.size() - 1, more);
        expect_rpc_error(*h.post(body), 400, -32600);
    }
    EXPECT_TRUE(h.backend.calls.empty());
}

TEST(hostile_input, many_members_and_many_escaped_keys) {
    harness h;
    std::string members;
    std::string escaped;
    while (members.size() < 1'000'000) members += R"("k":0,)";
    while (escaped.size() < 1'000'000) escaped += R"("\u006e\u0061\u006d\u0065x":0,)";
    for (const std::string& padding : {members, escaped}) {
        const auto exchange = h.post(R"({"jsonrpc":"2.0","id":1,)" + padding + R"("method":"tools/call","params":{)" +
                                     padding + R"("name":"echo"}})");
        EXPECT_EQ(exchange->status, 200);
        expect_response(exchange->json(), 1);
    }
}

TEST(hostile_input, fields_of_any_kind) {
    harness h;
    const std::string ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
    const std::string odd[] = {std::string(10'000, 'x'), std::string("\xff\xfe"), std::string(",;=\"*/"),
                               std::string("application/json\0x", 18)};
    for (const std::string& value : odd) {
        for (const char* name : {"Accept", "Content-Type", "Mcp-Session-Id", "MCP-Protocol-Version", "Mcp-Method"}) {
            const auto exchange = h.post(ping, {{name, value}});
            EXPECT_TRUE(exchange->status == 200 || (exchange->status >= 400 && exchange->status < 500)) << name;
            EXPECT_NE(exchange->status, 401);
            EXPECT_TRUE(exchange->json().is_object()) << exchange->body;
        }
    }
}

}  // namespace
}  // namespace common::mcp::test
