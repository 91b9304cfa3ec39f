// Mcp-Session-Id: sealed, bound, without expiry.
#include "common/mcp/session_id.hpp"

#include <gtest/gtest.h>

#include "common/mcp/ended_sessions.hpp"
#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

constexpr std::string_view ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";

net::http_fields session(const std::string& id) { return {{"Mcp-Session-Id", id}}; }

int remove(harness& h, const net::http_fields& fields, const proto::principal* as = nullptr) {
    const auto exchange = h.make("DELETE", fields, "");
    h.begin(*exchange, as ? *as : h.who);
    h.run();
    return exchange->status;
}

TEST(session, works_on_every_replica_and_after_a_restart) {
    harness one;
    harness other;
    const std::string id = one.initialize("2025-11-25");
    EXPECT_EQ(one.post(std::string(ping), session(id))->status, 200);
    EXPECT_EQ(other.post(std::string(ping), session(id))->status, 200);
    const auto list = other.post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", session(id));
    EXPECT_EQ(list->status, 202);
}

TEST(session, ids_are_unique_and_fit_a_header) {
    harness h;
    const std::string first = h.initialize("2025-11-25");
    EXPECT_NE(first, h.initialize("2025-11-25"));
    EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(session, a_forged_or_foreign_id_is_not_found) {
    harness h;
    const std::string id = h.initialize("2025-11-25");
    for (const std::string& wrong : {std::string("x"), std::string("not-ours"), "00" + id, std::string(100'000, 'a')}) {
        const auto exchange = h.post(std::string(ping), session(wrong));
        expect_rpc_error(*exchange, 404, -32001);
        EXPECT_EQ(exchange->json()["id"], 1);
    }
    expect_rpc_error(*h.post_as(h.stranger, std::string(ping), session(id)), 404, -32001);
    const net::http_fields two{{"Mcp-Session-Id", id}, {"Mcp-Session-Id", id}};
    expect_rpc_error(*h.post(std::string(ping), two), 404, -32001);
    expect_rpc_error(*h.post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", session("x")), 404, -32001);
}

TEST(session, other_things_sealed_with_the_same_key_are_no_session) {
    harness h;
    engine_options options;
    options.open = [](std::string_view, std::string_view associated) -> std::optional<std::string> {
        EXPECT_EQ(associated, "mcp-session-1/p");
        return "no-version name";
    };
    EXPECT_FALSE(open_session(options, "p", "abc"));
    options.open = [](std::string_view, std::string_view) -> std::optional<std::string> { return "2025-11-25 "; };
    EXPECT_FALSE(open_session(options, "p", "abc"));
    options.open = [](std::string_view, std::string_view) -> std::optional<std::string> { return "2025-11-25"; };
    EXPECT_FALSE(open_session(options, "p", "abc"));
}

TEST(session, cannot_be_initialized_twice) {
    harness h;
    const std::string id = h.initialize("2025-11-25");
    const auto again = h.post(
        R"({"jsonrpc":"2.0","id":3,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})", session(id));
    expect_rpc_error(*again, 400, -32600);
    EXPECT_EQ(again->json()["id"], 3);
}

TEST(session, ends_by_delete) {
    harness h;
    const std::string id = h.initialize("2025-11-25");
    const std::string other = h.initialize("2025-11-25");
    EXPECT_EQ(remove(h, session(id), &h.stranger), 404);
    EXPECT_EQ(remove(h, session(id)), 200);
    EXPECT_EQ(remove(h, session(id)), 404);
    expect_rpc_error(*h.post(std::string(ping), session(id)), 404, -32001);
    EXPECT_EQ(h.post(std::string(ping), session(other))->status, 200);
    EXPECT_EQ(remove(h, {}), 400);
    EXPECT_EQ(remove(h, session("x")), 404);
}

TEST(session, its_version_decides_not_the_header) {
    harness h;
    const std::string body = "[" + std::string(ping) + "]";
    net::http_fields fields = session(h.initialize("2025-11-25"));
    fields.add("MCP-Protocol-Version", "2025-03-26");
    expect_rpc_error(*h.post(body, fields), 400, -32600);
    EXPECT_EQ(h.post(body, session(h.initialize("2025-03-26")))->status, 200);
}

TEST(ended_sessions, forgets_the_oldest_first) {
    ended_sessions ended(2);
    ended.add("a");
    ended.add("b");
    ended.add("b");
    EXPECT_TRUE(ended.contains("a"));
    ended.add("c");
    EXPECT_FALSE(ended.contains("a"));
    EXPECT_TRUE(ended.contains("b"));
    EXPECT_TRUE(ended.contains("c"));
}

}  // namespace
}  // namespace common::mcp::test
