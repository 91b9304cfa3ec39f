// The extension io.modelcontextprotocol/tasks of 2026-07-28.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

modern_extras able() {
    modern_extras extras;
    extras.capabilities = R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})";
    return extras;
}

const nlohmann::json required = nlohmann::json::parse(R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})");

TEST(tasks, a_call_may_become_one_for_a_client_that_knows_them) {
    harness h({}, everything());
    h.backend.scripted = [](const tool_call&, call_reply& reply) -> boost::asio::awaitable<proto::result<void>> {
        reply.end_as_task(std::string(task_text));
        co_return proto::result<void>{};
    };
    const nlohmann::json result = h.modern("tools/call", R"("name":"scripted")", able())->json()["result"];
    EXPECT_EQ(result["resultType"], "task");
    EXPECT_EQ(result["taskId"], "t1");
    EXPECT_EQ(result["status"], "working");
    EXPECT_TRUE(result["_meta"].contains("io.modelcontextprotocol/serverInfo"));
    const auto refused = h.modern("tools/call", R"("name":"scripted")");
    expect_rpc_error(*refused, 400, -32021);
    EXPECT_EQ(refused->json()["error"]["data"]["requiredCapabilities"], required);
    EXPECT_EQ(h.post(call_body("scripted"))->json()["error"]["code"], -32021);
}

TEST(tasks, are_told_updated_and_cancelled) {
    harness h({}, everything());
    const nlohmann::json task = h.modern("tasks/get", R"("taskId":"t1")", able())->json()["result"];
    EXPECT_EQ(task["resultType"], "complete");
    EXPECT_EQ(task["status"], "working");
    EXPECT_FALSE(task.contains("cacheScope"));
    for (const auto& [method, params] : std::vector<std::pair<std::string, std::string>>{
             {"tasks/update", R"("taskId":"t1","inputResponses":{"k":{"action":"accept"}})"},
             {"tasks/cancel", R"("taskId":"t1")"}}) {
        nlohmann::json result = h.modern(method, params, able())->json()["result"];
        EXPECT_EQ(result["resultType"], "complete");
        result.erase("resultType");
        result.erase("_meta");
        EXPECT_TRUE(result.empty());
    }
    EXPECT_EQ(h.backend.task_updates, std::vector<std::string>{R"({"k":{"action":"accept"}})"});
}

TEST(tasks, of_others_and_unknown_ones_are_not_there) {
    harness h({}, everything());
    for (const char* method : {"tasks/get", "tasks/cancel"}) {
        expect_rpc_error(*h.modern(method, R"("taskId":"t2")", able()), 200, -32602);
    }
    expect_rpc_error(*h.modern("tasks/update", R"("taskId":"t2","inputResponses":{})", able()), 200, -32602);
    expect_rpc_error(*h.modern("tasks/update", R"("taskId":"t1")", able()), 200, -32602);
    expect_rpc_error(*h.modern("tasks/get", R"("taskId":7)", able()), 200, -32602);
    const auto theirs = h.make_modern("tasks/get", R"("taskId":"t1")", able());
    h.begin(*theirs, h.stranger);
    h.run();
    expect_rpc_error(*theirs, 200, -32602);
}

TEST(tasks, need_the_extension_in_every_request) {
    harness h({}, everything());
    for (const char* method : {"tasks/get", "tasks/update", "tasks/cancel"}) {
        const auto refused = h.modern(method, R"("taskId":"t1","inputResponses":{})");
        expect_rpc_error(*refused, 400, -32021);
        EXPECT_EQ(refused->json()["error"]["data"]["requiredCapabilities"], required);
    }
}

}  // namespace
}  // namespace common::mcp::test
