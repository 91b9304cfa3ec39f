// initialize, ping, tools/list, and what there is not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

std::string initialize_body(std::string_view raw_version) {
    return fmt::format(
        R"({{"method":"initialize","params":{{"protocolVersion":{},"capabilities":{{"roots":{{"listChanged":true}}}},)"
        R"("clientInfo":{{"name":"claude-code","version":"2.1.329"}}}},"jsonrpc":"2.0","id":0}})",
        raw_version);
}

TEST(methods, initialize_agrees_on_a_version) {
    harness h;
    for (const char* version : {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"}) {
        const auto exchange = h.post(initialize_body(fmt::format("\"{}\"", version)));
        EXPECT_EQ(exchange->json()["result"]["protocolVersion"], version);
    }
    for (const char* unknown : {"\"2026-07-28\"", "\"1\"", "\"\"", "\"2025-11-25 \""}) {
        const auto exchange = h.post(initialize_body(unknown));
        EXPECT_EQ(exchange->json()["result"]["protocolVersion"], "2025-11-25") << unknown;
    }
}

TEST(methods, initialize_tells_who_we_are_and_only_what_we_can) {
    engine_options options;
    options.server_name = "codez-hub";
    options.server_title = "CodeZ \"hub\"";
    options.server_version = "1.2.3";
    harness h(options);
    const auto exchange = h.post(initialize_body("\"2025-11-25\""));
    expect_response(exchange->json(), 0);
    EXPECT_NE(exchange->field("Mcp-Session-Id"), "");
    const nlohmann::json expected = {
        {"protocolVersion", "2025-11-25"},
        {"capabilities", {{"tools", {{"listChanged", false}}}}},
        {"serverInfo", {{"name", "codez-hub"}, {"title", "CodeZ \"hub\""}, {"version", "1.2.3"}}},
        {"instructions", "Say \"hello\"."}};
    EXPECT_EQ(exchange->json()["result"], expected);
}

TEST(methods, initialize_needs_a_version) {
    harness h;
    for (const char* raw : {"5", "null", "\"2025-11-25\",\"protocolVersion\":\"2025-03-26\""}) {
        const auto exchange = h.post(initialize_body(raw));
        expect_rpc_error(*exchange, 200, -32602);
        EXPECT_EQ(exchange->field("Mcp-Session-Id"), "");
    }
    expect_rpc_error(*h.post(R"({"jsonrpc":"2.0","id":0,"method":"initialize"})"), 200, -32602);
}

TEST(methods, ping_is_empty_and_ids_come_back_byte_for_byte) {
    harness h;
    for (const char* id : {"0", "-7", "123456789012345678901234567890", "\"\"", R"("\u00e9\"x")", "-0"}) {
        const auto exchange = h.post(fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"ping"}})", id));
        EXPECT_EQ(exchange->body, fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{}}}})", id));
    }
}

TEST(methods, tools_are_listed_for_the_caller) {
    harness h;
    const auto exchange = h.post(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}})");
    expect_response(exchange->json(), 1);
    EXPECT_EQ(exchange->json()["result"]["tools"][0]["description"], "for Ada");
    EXPECT_FALSE(exchange->json()["result"].contains("nextCursor"));
}

TEST(methods, tools_have_one_page_so_no_cursor_is_valid) {
    harness h;
    for (const char* cursor : {"\"abc\"", "\"\"", "3", "null"}) {
        const auto exchange =
            h.post(fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"cursor":{}}}}})", cursor));
        expect_rpc_error(*exchange, 200, -32602);
    }
}

TEST(methods, what_is_not_advertised_is_not_there) {
    harness h;
    for (const char* method : {"resources/list", "prompts/list", "logging/setLevel", "completion/complete",
                               "tasks/list", "resources/subscribe", "Ping", "tools/call ", "\\u0000"}) {
        const auto exchange = h.post(fmt::format(R"({{"jsonrpc":"2.0","id":"m","method":"{}"}})", method));
        expect_rpc_error(*exchange, 200, -32601);
        EXPECT_EQ(exchange->json()["id"], "m");
    }
}

}  // namespace
}  // namespace common::mcp::test
