// Requests of 2026-07-28: what they have to say, how they are answered, and with which status.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

using outcome = boost::asio::awaitable<proto::result<void>>;

constexpr std::string_view server_info_key = "io.modelcontextprotocol/serverInfo";

modern_extras with_field(std::string name, std::string value) {
    modern_extras extras;
    extras.fields.add(std::move(name), std::move(value));
    return extras;
}

TEST(modern, discover_tells_what_there_is) {
    engine_options options;
    options.server_version = "1.2.3";
    harness h(options, everything());
    const auto exchange = h.modern("server/discover");
    EXPECT_EQ(exchange->status, 200);
    EXPECT_EQ(exchange->field("Mcp-Session-Id"), "");
    const nlohmann::json expected = nlohmann::json::parse(R"({
        "resultType": "complete",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "codez", "title": "CodeZ", "version": "1.2.3"}},
        "ttlMs": 60000, "cacheScope": "private", "supportedVersions": ["2026-07-28"],
        "capabilities": {"tools": {"listChanged": true}, "prompts": {"listChanged": true},
                         "resources": {"subscribe": true, "listChanged": true}, "completions": {}, "logging": {},
                         "extensions": {"io.modelcontextprotocol/tasks": {}}},
        "instructions": "Say \"hello\"."})");
    EXPECT_EQ(exchange->json()["result"], expected);
}

TEST(modern, every_result_says_its_type_and_who_answers) {
    harness h({}, everything());
    for (const auto& [method, params] : std::vector<std::pair<std::string, std::string>>{
             {"tools/list", ""},
             {"tools/call", R"("name":"echo")"},
             {"tools/call", R"("name":"fail")"},
             {"prompts/list", ""},
             {"prompts/get", R"("name":"greet")"},
             {"resources/list", ""},
             {"resources/templates/list", ""},
             {"resources/read", R"("uri":"test://a")"},
             {"completion/complete", R"("ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""})"}}) {
        const auto exchange = h.modern(method, params);
        EXPECT_EQ(exchange->status, 200);
        expect_response(exchange->json(), 7);
        const nlohmann::json result = exchange->json()["result"];
        EXPECT_EQ(result.value("resultType", ""), "complete") << method;
        EXPECT_EQ(result["_meta"][server_info_key]["name"], "codez") << method;
        const bool is_cacheable = method.ends_with("/list") || method == "resources/read";
        EXPECT_EQ(result.contains("ttlMs"), is_cacheable) << method;
        EXPECT_EQ(result.value("cacheScope", "none"), is_cacheable ? "private" : "none") << method;
    }
}

TEST(modern, a_failed_tool_has_its_error_beside_the_server_in_meta) {
    harness h;
    const nlohmann::json result = h.modern("tools/call", R"("name":"fail")")->json()["result"];
    EXPECT_EQ(result["isError"], true);
    EXPECT_EQ(result["_meta"]["codez/error"]["code"], "machine_offline");
    EXPECT_EQ(result["_meta"][server_info_key]["name"], "codez");
}

TEST(modern, what_meta_lacks_is_refused) {
    harness h;
    const auto post = [&](std::string_view meta) {
        return h.post(fmt::format(R"({{"jsonrpc":"2.0","id":"i","method":"server/discover","params":{{{}}}}})", meta),
                      {{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Method", "server/discover"}});
    };
    const std::string version = R"("io.modelcontextprotocol/protocolVersion":"2026-07-28")";
    const std::string able = R"("io.modelcontextprotocol/clientCapabilities":)";
    const std::string log = R"(,"io.modelcontextprotocol/logLevel":)";
    for (const std::string& meta :
         {std::string(), std::string(R"("_meta":{})"), R"("_meta":{)" + version + "}", R"("_meta":{)" + able + "{}}",
          R"("_meta":{)" + version + "," + able + "7}", R"("_meta":{)" + version + "," + able + "{}," + able + "{}}",
          R"("_meta":{)" + version + "," + able + "{}" + log + R"("loud"})"}) {
        const auto exchange = post(meta);
        expect_rpc_error(*exchange, 400, -32602);
        EXPECT_EQ(exchange->json()["id"], "i");
    }
    EXPECT_EQ(post(R"("_meta":{)" + version + "," + able + "{}" + log + R"("info"})")->status, 200);
}

TEST(modern, fields_must_repeat_the_body) {
    harness h({}, everything());
    const auto refused = [&](std::string_view method, std::string_view params, std::string name, std::string value) {
        expect_rpc_error(*h.modern(method, params, with_field(std::move(name), std::move(value))), 400, -32020);
    };
    refused("tools/list", "", "MCP-Protocol-Version", "2025-11-25");
    refused("tools/list", "", "MCP-Protocol-Version", "");
    refused("tools/list", "", "Mcp-Method", "");
    refused("tools/list", "", "Mcp-Method", "tools/call");
    refused("tools/list", "", "Mcp-Method", "Tools/List");
    refused("tools/call", R"("name":"echo")", "Mcp-Name", "");
    refused("tools/call", R"("name":"echo")", "Mcp-Name", "Echo");
    refused("tools/call", R"("name":"echo")", "Mcp-Name", "=?base64?ZWNobw?=");  // without its padding
    refused("tools/call", R"("name":"echo")", "Mcp-Name", "=?BASE64?ZWNobw==?=");
    refused("prompts/get", R"("name":"greet")", "Mcp-Name", "");
    refused("resources/read", R"("uri":"test://a")", "Mcp-Name", "test://b");
    refused("tasks/get", R"("taskId":"t1")", "Mcp-Name", "");
    modern_extras twice = with_field("Mcp-Method", "tools/list");
    twice.fields.add("Mcp-Method", "tools/list");
    expect_rpc_error(*h.modern("tools/list", "", twice), 400, -32020);

    EXPECT_EQ(h.modern("tools/call", R"("name":"echo")", with_field("Mcp-Name", "=?base64?ZWNobw==?="))->status, 200);
    EXPECT_EQ(h.modern("tools/list", "", with_field("Mcp-Name", "whatever"))->status, 200);
    const modern_extras lower = with_field("mcp-method", "tools/list");
    EXPECT_EQ(h.modern("tools/list", "", lower)->status, 200);
}

TEST(modern, routed_parameters_must_be_in_their_fields) {
    harness h;
    const std::string params =
        R"("name":"routed","arguments":{"machine":"b\u00f6x","options":{"count":42},"fast":true,"other":1})";
    modern_extras extras;
    extras.fields = {
        {"Mcp-Param-Machine", "=?base64?YsO2eA==?="}, {"Mcp-Param-Count", "42.0"}, {"mcp-param-fast", "true"}};
    EXPECT_EQ(h.modern("tools/call", params, extras)->status, 200);
    ASSERT_EQ(h.backend.calls.size(), 1u);
    const net::http_fields good = extras.fields;
    for (std::size_t left_out = 0; left_out < good.all().size(); ++left_out) {
        extras.fields = {};
        for (std::size_t i = 0; i < good.all().size(); ++i) {
            if (i != left_out) extras.fields.add(good.all()[i].first, good.all()[i].second);
        }
        expect_rpc_error(*h.modern("tools/call", params, extras), 400, -32020);
    }
    extras.fields = good;
    extras.fields.add("Mcp-Param-Machine", "=?base64?YsO2eA==?=");
    expect_rpc_error(*h.modern("tools/call", params, extras), 400, -32020);
    // Absent and null have no field.
    EXPECT_EQ(h.modern("tools/call", R"("name":"routed","arguments":{"machine":null})")->status, 200);
    expect_rpc_error(*h.modern("tools/call", R"("name":"routed")", with_field("Mcp-Param-Fast", "true")), 400, -32020);
    EXPECT_EQ(h.backend.calls.size(), 2u);
    // Before there were such fields, nobody sends them.
    EXPECT_EQ(h.post(call_body("routed", R"(,"arguments":{"machine":"m"})"))->status, 200);
}

TEST(modern, methods_that_are_gone_or_not_offered_are_not_found) {
    for (const bool is_rich : {false, true}) {
        harness h({}, is_rich ? everything() : offered_features{});
        for (const char* method : {"initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/list",
                                   "resources/unsubscribe", "tasks/result", "nope", "tools/List"}) {
            const auto exchange = h.modern(method);
            expect_rpc_error(*exchange, 404, -32601);
            EXPECT_EQ(exchange->json()["id"], 7);
        }
    }
    harness h;
    for (const char* method : {"prompts/list", "resources/list", "completion/complete", "subscriptions/listen"}) {
        expect_rpc_error(*h.modern(method), 404, -32601);
    }
    expect_rpc_error(*h.modern("tasks/get", R"("taskId":"t1")"), 404, -32601);
}

TEST(modern, errors_inside_a_method_are_answers) {
    harness h({}, everything());
    expect_rpc_error(*h.modern("tools/call", R"("name":"nope")"), 200, -32602);
    expect_rpc_error(*h.modern("tools/call", R"("name":7)"), 200, -32602);
    expect_rpc_error(*h.modern("tools/list", R"("cursor":"x")"), 200, -32602);
    expect_rpc_error(*h.modern("prompts/get", R"("name":"nope")"), 200, -32602);
    const auto missing = h.modern("resources/read", R"("uri":"test://nope")");
    expect_rpc_error(*missing, 200, -32602);
    EXPECT_EQ(missing->json()["error"]["data"]["uri"], "test://nope");
    expect_rpc_error(*h.modern("resources/read", R"("uri":"test://offline")"), 200, -32603);
}

TEST(modern, sessions_and_event_ids_of_the_other_era_mean_nothing) {
    harness h;
    modern_extras extras;
    extras.fields = {{"Mcp-Session-Id", "nonsense"}, {"Last-Event-ID", "nonsense"}};
    const auto exchange = h.modern("tools/list", "", extras);
    EXPECT_EQ(exchange->status, 200);
    EXPECT_EQ(exchange->field("Mcp-Session-Id"), "");
}

TEST(modern, notifications_are_accepted) {
    harness h;
    const auto exchange = h.post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})",
                                 {{"MCP-Protocol-Version", "2026-07-28"}});
    EXPECT_EQ(exchange->status, 202);
    EXPECT_EQ(exchange->body, "");
}

TEST(modern, a_batch_is_refused) {
    harness h;
    const auto one = h.make_modern("tools/list");
    const auto exchange = h.post("[" + one->request().body + "]", {{"MCP-Protocol-Version", "2026-07-28"}});
    expect_rpc_error(*exchange, 400, -32600);
}

TEST(modern, closing_the_response_cancels_and_a_notification_does_not) {
    harness h;
    gate ended(h.io);
    int running = 0, cancellations = 0;
    h.backend.scripted = [&](const tool_call&, call_reply& reply) -> outcome {
        ++running;
        reply.on_cancel([&] {
            ++cancellations;
            ended.open();
        });
        co_await ended.wait();
        co_return proto::fail(proto::error_code::cancelled, "x");
    };
    const auto call = h.make_modern("tools/call", R"("name":"scripted")");
    h.begin(*call);
    h.run_until([&] { return running == 1; });
    const auto cancel = h.make_post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})");
    h.begin(*cancel);
    h.run_to_end(*cancel);
    h.io.poll();
    EXPECT_EQ(cancellations, 0);
    call->close_by_peer();
    h.run();
    EXPECT_EQ(cancellations, 1);
}

TEST(modern, logs_only_what_the_request_asks_for) {
    harness h({}, everything());
    h.backend.scripted = [](const tool_call&, call_reply& reply) -> outcome {
        co_await reply.log(log_level::debug, "l", R"("quiet")");
        co_await reply.log(log_level::warning, "",
                           R"({"loud":)"
                           "\n1}");
        co_await reply.log(log_level::error, "l", "\"" + std::string(1'000'000, 'x') + "\"");
        co_await reply.write(text_result);
        co_return proto::result<void>{};
    };
    EXPECT_TRUE(h.modern("tools/call", R"("name":"scripted")")->has_responded);
    modern_extras extras;
    extras.meta = R"("io.modelcontextprotocol/logLevel":"info")";
    const event_stream stream = h.modern("tools/call", R"("name":"scripted")", extras)->events();
    ASSERT_EQ(stream.messages.size(), 3u);
    EXPECT_EQ(stream.messages[0]["params"], nlohmann::json::parse(R"({"level":"warning","data":{"loud":1}})"));
    EXPECT_LT(stream.messages[1].dump().size(), 500u);
    expect_response(stream.messages[2], 7);
    EXPECT_EQ(stream.messages[2]["result"]["resultType"], "complete");
}

TEST(modern, the_handler_learns_what_the_client_can_and_where_it_is_traced) {
    harness h;
    modern_extras extras;
    const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    extras.capabilities =
        R"({"elicitation":{"url":{}},"sampling":{"tools":{}},"extensions":{"io.modelcontextprotocol/tasks":{}}})";
    extras.meta = fmt::format(R"("traceparent":"{}","tracestate":"a=b","baggage":"x=y")", trace);
    h.modern("tools/call", R"("name":"echo")", extras);
    extras.meta = R"("traceparent":"00-XYZ")";
    extras.capabilities = R"({"elicitation":{},"roots":{"listChanged":true},"sampling":1})";
    h.modern("tools/call", R"("name":"echo")", extras);
    ASSERT_EQ(h.backend.calls.size(), 2u);
    client_abilities first, second;
    first.elicitation_url = first.sampling = first.sampling_tools = first.tasks = true;
    second.elicitation_form = second.roots = true;
    EXPECT_EQ(h.backend.calls[0].client, first);
    EXPECT_EQ(h.backend.calls[0].trace_parent, trace);
    EXPECT_EQ(h.backend.calls[1].client, second);
    EXPECT_EQ(h.backend.calls[1].trace_parent, "");
}

TEST(modern, a_client_that_takes_events_only_gets_them) {
    harness h;
    for (const char* method : {"tools/list", "server/discover"}) {
        const auto exchange = h.modern(method, "", with_field("Accept", "text/event-stream"));
        EXPECT_EQ(exchange->field("Content-Type"), "text/event-stream");
        ASSERT_EQ(exchange->events().messages.size(), 1u);
        expect_response(exchange->events().messages[0], 7);
    }
}

TEST(modern, results_are_spliced_wherever_they_are_cut) {
    harness h;
    const std::string result = " \n{ \t\"content\" : [] ,\"structuredContent\":{\"a\":\"{\"}}";
    for (const std::string& whole : {result, std::string("{ }"), std::string("{}")}) {
        for (std::size_t cut = 1; cut < whole.size(); ++cut) {
            h.backend.scripted = [&](const tool_call&, call_reply& reply) -> outcome {
                co_await reply.write(std::string_view(whole).substr(0, cut));
                co_await reply.write(std::string_view(whole).substr(cut));
                co_return proto::result<void>{};
            };
            const auto exchange = h.make_modern("tools/call", R"("name":"scripted")");
            // Not held against the schema: an empty object is no CallToolResult.
            boost::asio::co_spawn(h.io, h.subject.handle(*exchange, h.who, 0), boost::asio::detached);
            h.run();
            nlohmann::json spliced = exchange->json();
            ASSERT_TRUE(spliced.is_object()) << exchange->body;
            EXPECT_EQ(spliced["result"]["resultType"], "complete");
            spliced["result"].erase("resultType");
            spliced["result"].erase("_meta");
            EXPECT_EQ(spliced["result"], nlohmann::json::parse(whole));
        }
    }
}

}  // namespace
}  // namespace common::mcp::test
