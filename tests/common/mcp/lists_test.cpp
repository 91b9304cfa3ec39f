// Prompts, resources, their lists and completions, in both eras; what is not offered is not there.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

std::string request(std::string_view method, std::string_view params) {
    return fmt::format(R"({{"jsonrpc":"2.0","id":7,"method":"{}","params":{{{}}}}})", method, params);
}

// The same request in both eras.
class both_eras : public testing::TestWithParam<bool> {
protected:
    std::unique_ptr<fake_exchange> post(std::string_view method, std::string_view params) {
        return GetParam() ? h_.modern(method, params)
                          : h_.post(request(method, params), {{"MCP-Protocol-Version", "2025-11-25"}});
    }
    nlohmann::json result(std::string_view method, std::string_view params = "") {
        const auto exchange = post(method, params);
        EXPECT_EQ(exchange->status, 200) << exchange->body;
        return exchange->json().value("result", nlohmann::json());
    }
    nlohmann::json error(std::string_view method, std::string_view params) {
        const auto exchange = post(method, params);
        EXPECT_EQ(exchange->status, 200) << exchange->body;
        return exchange->json().value("error", nlohmann::json());
    }

    harness h_{engine_options{}, everything()};
};

TEST_P(both_eras, list_and_read) {
    EXPECT_EQ(result("prompts/list")["prompts"].size(), 2u);
    EXPECT_EQ(result("resources/templates/list")["resourceTemplates"][0]["uriTemplate"], "test://{id}");
    EXPECT_EQ(result("resources/read", R"("uri":"test:\/\/a")")["contents"][0]["text"], "A");
    EXPECT_EQ(result("prompts/get", R"("name":"greet","arguments":{"a":"b"})")["x-arguments"]["a"], "b");
    EXPECT_EQ(result("prompts/get", R"("name":"greet")")["x-arguments"], nlohmann::json::object());
}

TEST_P(both_eras, lists_have_pages) {
    const nlohmann::json first = result("resources/list");
    EXPECT_EQ(first["resources"][0]["uri"], "test://a");
    const std::string cursor = first["nextCursor"];
    const nlohmann::json second = result("resources/list", fmt::format(R"("cursor":"{}")", cursor));
    EXPECT_EQ(second["resources"][0]["uri"], "test://b");
    EXPECT_FALSE(second.contains("nextCursor"));
    for (const std::string& wrong : {std::string("\"second\""), "\"" + cursor + "00\"", std::string("\"\""),
                                     std::string("7"), std::string("null")}) {
        EXPECT_EQ(error("resources/list", "\"cursor\":" + wrong)["code"], -32602) << wrong;
    }
    // Of another list, and of somebody else.
    EXPECT_EQ(error("prompts/list", fmt::format(R"("cursor":"{}")", cursor))["code"], -32602);
    const auto stolen = h_.post_as(h_.stranger, request("resources/list", fmt::format(R"("cursor":"{}")", cursor)), {});
    EXPECT_EQ(stolen->json()["error"]["code"], -32602);
}

TEST_P(both_eras, what_is_not_there_is_told) {
    const nlohmann::json resource = error("resources/read", R"("uri":"test://nope")");
    EXPECT_EQ(resource["code"], GetParam() ? -32602 : -32002);
    EXPECT_EQ(resource["data"]["uri"], "test://nope");
    EXPECT_EQ(error("resources/read", R"("uri":"test://offline")")["code"], -32603);
    EXPECT_EQ(error("resources/read", R"("uri":"test://offline")")["data"]["code"], "machine_offline");
    EXPECT_EQ(error("prompts/get", R"("name":"nope")")["code"], -32602);
    EXPECT_EQ(error("prompts/get", R"("name":"broken")")["code"], -32603);
    EXPECT_EQ(h_.bugs.size(), 1u);
    for (const char* params : {"", R"("name":7)", R"("name":"greet","arguments":[])",
                               R"("name":"greet","arguments":{"a":1})", R"("name":"greet","name":"greet")"}) {
        EXPECT_EQ(error("prompts/get", params)["code"], -32602) << params;
    }
    EXPECT_EQ(error("resources/read", fmt::format(R"("uri":"{}")", std::string(3000, 'u')))["code"], -32602);
}

TEST_P(both_eras, completions_are_found_and_bounded) {
    const nlohmann::json found = result("completion/complete", R"("ref":{"type":"ref/prompt","name":"p"},)"
                                                               R"("argument":{"name":"a","value":"v"},)"
                                                               R"("context":{"arguments":{"b":"c"}})");
    EXPECT_EQ(found["completion"]["values"].size(), 100u);
    EXPECT_EQ(found["completion"]["hasMore"], true);
    EXPECT_EQ(h_.backend.completed, R"(true p a v {"b":"c"})");
    result("completion/complete",
           R"("ref":{"type":"ref/resource","uri":"test://{id}"},"argument":{"name":"id","value":""})");
    EXPECT_EQ(h_.backend.completed, "false test://{id} id  {}");
    for (const char* params :
         {"", R"("ref":{"type":"ref/prompt","name":"p"})", R"("argument":{"name":"a","value":"v"})",
          R"("ref":{"type":"ref/tool","name":"p"},"argument":{"name":"a","value":"v"})",
          R"("ref":{"type":"ref/prompt"},"argument":{"name":"a","value":"v"})",
          R"("ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":7})",
          R"("ref":{"type":"ref/prompt","name":"nope"},"argument":{"name":"a","value":""})",
          R"("ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""},"context":{"arguments":[]})"}) {
        EXPECT_EQ(error("completion/complete", params)["code"], -32602) << params;
    }
}

TEST_P(both_eras, errors_of_a_handler_are_passed_on) {
    h_.backend.scripted = [](const tool_call&, call_reply& reply) -> boost::asio::awaitable<proto::result<void>> {
        reply.end_as_error({-32602, "Not like \"this\".", R"({"why":1})"});
        co_return proto::result<void>{};
    };
    const nlohmann::json expected = {{"code", -32602}, {"message", "Not like \"this\"."}, {"data", {{"why", 1}}}};
    EXPECT_EQ(error("tools/call", R"("name":"scripted")"), expected);
}

INSTANTIATE_TEST_SUITE_P(lists, both_eras, testing::Bool(),
                         [](const auto& info) { return info.param ? "modern" : "legacy"; });

TEST(lists, initialize_advertises_what_is_offered_but_tasks) {
    harness h({}, everything());
    const auto exchange =
        h.post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})");
    EXPECT_EQ(exchange->json()["result"]["capabilities"], nlohmann::json::parse(R"({
        "tools": {"listChanged": true}, "prompts": {"listChanged": true},
        "resources": {"subscribe": true, "listChanged": true}, "completions": {}, "logging": {}})"));
    for (const char* method : {"tasks/get", "tasks/list", "tasks/result", "server/discover-not"}) {
        EXPECT_EQ(h.post(request(method, ""))->json()["error"]["code"], -32601);
    }
}

TEST(lists, a_prompt_that_asks_waits_for_its_answer_on_the_stream) {
    harness h({}, everything());
    const net::http_fields session{{"Mcp-Session-Id", h.initialize("2025-11-25", R"({"roots":{}})")}};
    const auto call = h.make_post(request("prompts/get", R"("name":"asks")"), session);
    h.begin(*call);
    h.run_until([&] { return call->events().messages.size() == 1; });
    const auto answer = h.make_post(
        fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{"roots":[]}}}})", call->events().messages[0]["id"].dump()),
        session);
    h.begin(*answer);
    h.run();
    EXPECT_TRUE(call->events().messages.back().contains("result"));
}

}  // namespace
}  // namespace common::mcp::test
