// What we answer fits the published schema of each revision.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"
#include "tests/common/mcp/schema_check.hpp"

namespace common::mcp::test {
namespace {

class revisions : public testing::TestWithParam<const char*> {
protected:
    net::http_fields version() const { return {{"MCP-Protocol-Version", GetParam()}}; }
    bool is_latest() const { return std::string_view(GetParam()) == "2025-11-25"; }
    std::string result_name() const { return is_latest() ? "JSONRPCResultResponse" : "JSONRPCResponse"; }
    std::string error_name() const { return is_latest() ? "JSONRPCErrorResponse" : "JSONRPCError"; }
    void expect(const std::string& definition, const nlohmann::json& value) const {
        EXPECT_EQ(check_schema(GetParam(), definition, value), "") << value;
    }

    harness h_;
};

TEST_P(revisions, results_fit) {
    const auto initialize = h_.post(fmt::format(
        R"({{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{}"}}}})", GetParam()));
    expect(result_name(), initialize->json());
    expect("InitializeResult", initialize->json()["result"]);
    const auto list = h_.post(R"({"jsonrpc":"2.0","id":"l","method":"tools/list"})", version());
    expect(result_name(), list->json());
    expect("ListToolsResult", list->json()["result"]);
    expect("EmptyResult", h_.post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", version())->json()["result"]);
    for (const char* tool : {"echo", "fail"}) {
        const auto call = h_.post(call_body(tool), version());
        expect(result_name(), call->json());
        expect("CallToolResult", call->json()["result"]);
    }
}

TEST_P(revisions, errors_fit) {
    for (const std::string& body : {std::string(R"({"jsonrpc":"2.0","id":1,"method":"nope"})"), call_body("nope"),
                                    std::string(R"({"jsonrpc":"1.0","id":"i","method":"ping"})")}) {
        expect(error_name(), h_.post(body, version())->json());
    }
    expect(error_name(), h_.post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", {{"Mcp-Session-Id", "x"}})->json());
}

TEST_P(revisions, progress_fits) {
    h_.backend.scripted = [](const tool_call&, call_reply& reply) -> boost::asio::awaitable<proto::result<void>> {
        co_await reply.progress(1, 2, "a");
        co_await reply.progress(2.25, std::nullopt, "");
        co_await reply.progress(1e300, std::nullopt, "");
        co_await reply.write(text_result);
        co_return proto::result<void>{};
    };
    const auto exchange = h_.post(call_body("scripted", R"(,"_meta":{"progressToken":5})"), version());
    const event_stream stream = exchange->events();
    ASSERT_EQ(stream.messages.size(), 4u);
    for (std::size_t i = 0; i < 3; ++i) expect("ProgressNotification", stream.messages[i]);
    expect("CallToolResult", stream.messages[3]["result"]);
}

INSTANTIATE_TEST_SUITE_P(schema, revisions, testing::Values("2025-11-25", "2025-06-18", "2025-03-26"));

TEST(schema, batches_fit) {
    harness h;
    const auto exchange =
        h.post(R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"nope"}])");
    EXPECT_EQ(check_schema("2025-03-26", "JSONRPCBatchResponse", exchange->json()), "");
}

TEST(schema, the_check_itself_finds_faults) {
    EXPECT_NE(check_schema("2025-11-25", "EmptyResult", nlohmann::json::array()), "");
    EXPECT_NE(check_schema("2025-11-25", "InitializeResult", nlohmann::json::object()), "");
    EXPECT_NE(check_schema("2025-06-18", "CallToolResult", nlohmann::json::parse(R"({"content":[{"type":"txt"}]})")),
              "");
    EXPECT_NE(check_schema("2025-06-18", "JSONRPCResponse",
                           nlohmann::json::parse(R"({"jsonrpc":"2.0","id":1.5,"result":{}})")),
              "");
}

}  // namespace
}  // namespace common::mcp::test
