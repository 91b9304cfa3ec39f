#include "common/mcp/envelope.hpp"

#include <gtest/gtest.h>

namespace common::mcp {
namespace {

constexpr std::size_t batch_max = 3;

TEST(envelope, keeps_raw_spans_of_a_request) {
    const std::string text =
        "\n{\"id\": \"a\\u0041\", \"method\":\"tools\\/call\", \"params\" : {\"_meta\":{\"progressToken\":1},\"x\":[1, 2]} ,"
        "\"jsonrpc\":\"2.0\"}\n";
    const auto body = parse_body(text, batch_max);
    ASSERT_TRUE(body);
    ASSERT_EQ(body->messages.size(), 1u);
    const message& m = body->messages[0];
    EXPECT_FALSE(body->is_batch);
    EXPECT_EQ(m.kind, message_kind::request);
    EXPECT_EQ(m.id, R"("a\u0041")");
    EXPECT_EQ(m.method, "tools/call");
    EXPECT_EQ(m.params, "{\"_meta\":{\"progressToken\":1},\"x\":[1, 2]}");
    EXPECT_EQ(m.meta, "{\"progressToken\":1}");
}

TEST(envelope, tells_requests_notifications_and_responses_apart) {
    const auto kind = [](std::string_view text) { return parse_body(text, batch_max)->messages.at(0).kind; };
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"), message_kind::request);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","method":"ping"})"), message_kind::notification);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1,"result":{}})"), message_kind::response);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}})"), message_kind::response);
}

struct refused_case {
    std::string_view text;
    int code;
    std::string_view id = "";
};

class refused_bodies : public testing::TestWithParam<refused_case> {};

TEST_P(refused_bodies, are_refused_with_their_code) {
    const auto body = parse_body(GetParam().text, batch_max);
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().status, 400);
    EXPECT_EQ(body.error().code, GetParam().code) << body.error().message;
    EXPECT_EQ(body.error().id, GetParam().id);
    EXPECT_FALSE(body.error().message.empty());
}

INSTANTIATE_TEST_SUITE_P(
    envelope, refused_bodies,
    testing::Values(refused_case{"", -32700}, refused_case{"  \n", -32700}, refused_case{"not json", -32700},
                    refused_case{"{", -32700}, refused_case{R"({"jsonrpc":"2.0","id":1,"method":"ping")", -32700},
                    refused_case{R"({"jsonrpc":"2.0","id":1,"method":"ping"}{})", -32700},
                    refused_case{R"({"jsonrpc":"2.0","id":1,"method":"ping",})", -32700},
                    refused_case{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\xff\"}", -32700},
                    refused_case{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\n\"}", -32700},
                    refused_case{"\xef\xbb\xbf{}", -32700}, refused_case{"12", -32600},
                    refused_case{R"("text")", -32600}, refused_case{"null", -32600}, refused_case{"{}", -32600},
                    refused_case{R"({"id":1,"method":"ping"})", -32600, "1"},
                    refused_case{R"({"jsonrpc":"1.0","id":1,"method":"ping"})", -32600, "1"},
                    refused_case{R"({"jsonrpc":2.0,"id":1,"method":"ping"})", -32600, "1"},
                    refused_case{R"({"jsonrpc":"2.0","id":null,"method":"ping"})", -32600},
                    refused_case{R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})", -32600},
                    refused_case{R"({"jsonrpc":"2.0","id":1e3,"method":"ping"})", -32600},
                    refused_case{R"({"jsonrpc":"2.0","id":{},"method":"ping"})", -32600},
                    refused_case{R"({"jsonrpc":"2.0","id":[1],"method":"ping"})", -32600},
                    refused_case{R"({"jsonrpc":"2.0","id":true,"method":"ping"})", -32600},
                    refused_case{R"({"jsonrpc":"2.0","id":1})", -32600, "1"},
                    refused_case{R"({"jsonrpc":"2.0","id":1,"method":5})", -32600, "1"},
                    refused_case{R"({"jsonrpc":"2.0","id":1,"method":""})", -32600, "1"},
                    refused_case{R"({"jsonrpc":"2.0","id":1,"method":"ping","result":{}})", -32600, "1"},
                    refused_case{R"({"jsonrpc":"2.0","id":1,"id":2,"method":"ping"})", -32600},
                    refused_case{R"({"jsonrpc":"2.0","id":1,"method":"ping","\u006dethod":"x"})", -32600},
                    refused_case{R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[1]})", -32602, "1"},
                    refused_case{R"({"jsonrpc":"2.0","id":"x","method":"ping","params":null})", -32602, "\"x\""},
                    refused_case{R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":1}})", -32602, "1"},
                    refused_case{R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{},"_meta":{}}})", -32602,
                                 "1"},
                    refused_case{"[]", -32600}, refused_case{"[1]", -32600}, refused_case{"[", -32700},
                    refused_case{R"([{"jsonrpc":"2.0","method":"a"}])"
                                 R"([{"jsonrpc":"2.0","method":"a"}])",
                                 -32700},
                    refused_case{R"([{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"a")", -32700},
                    refused_case{R"([{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0"}])", -32600},
                    refused_case{R"([{"a":1],{"a":1}])", -32700}, refused_case{R"([{},{},{},{}])", -32600}));

TEST(envelope, bounds_ids_and_methods) {
    const auto parse = [](const std::string& id, const std::string& method) {
        return parse_body(R"({"jsonrpc":"2.0","id":")" + id + R"(","method":")" + method + R"("})", batch_max)
            .has_value();
    };
    EXPECT_TRUE(parse(std::string(rpc_id_bytes_max - 2, 'x'), "ping"));
    EXPECT_FALSE(parse(std::string(rpc_id_bytes_max - 1, 'x'), "ping"));
    EXPECT_TRUE(parse("1", std::string(rpc_method_bytes_max, 'm')));
    EXPECT_FALSE(parse("1", std::string(rpc_method_bytes_max + 1, 'm')));
}

TEST(envelope, reads_a_batch_in_order) {
    const auto body = parse_body(
        R"([{"jsonrpc":"2.0","id":1,"method":"a"}, {"jsonrpc":"2.0","method":"b"},{"jsonrpc":"2.0","id":2,"result":{}}])",
        batch_max);
    ASSERT_TRUE(body);
    EXPECT_TRUE(body->is_batch);
    EXPECT_TRUE(body->has_requests());
    ASSERT_EQ(body->messages.size(), 3u);
    EXPECT_EQ(body->messages[1].method, "b");
    EXPECT_EQ(body->messages[2].kind, message_kind::response);
}

}  // namespace
}  // namespace common::mcp
