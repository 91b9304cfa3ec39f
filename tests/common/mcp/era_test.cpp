#include "common/mcp/era.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp {
namespace {

std::expected<era, rejection> classify_text(const std::string& text, std::optional<std::string_view> header) {
    const auto body = parse_body(text, 50);
    EXPECT_TRUE(body) << text;
    return classify(*body, header);
}

std::string with_claim(std::string_view method, std::string_view raw_claim) {
    return fmt::format(
        R"({{"jsonrpc":"2.0","id":"p-1","method":"{}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":{},)"
        R"("io.modelcontextprotocol/clientCapabilities":{{}}}}}}}})",
        method, raw_claim);
}

std::string without_claim(std::string_view method) {
    return fmt::format(R"({{"jsonrpc":"2.0","id":"p-1","method":"{}"}})", method);
}

constexpr int legacy = 0;
constexpr int modern = 1;

struct era_case {
    std::string body;
    std::optional<std::string_view> header;
    int status;  // or one of:
    int code = 0;
};

class era_ladder : public testing::TestWithParam<era_case> {};

TEST_P(era_ladder, answers_as_it_should) {
    const auto found = classify_text(GetParam().body, GetParam().header);
    if (GetParam().status == legacy || GetParam().status == modern) {
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_EQ(*found, GetParam().status == legacy ? era::legacy : era::modern);
        return;
    }
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().status, GetParam().status);
    EXPECT_EQ(found.error().code, GetParam().code);
    EXPECT_EQ(found.error().id, "\"p-1\"");
}

INSTANTIATE_TEST_SUITE_P(
    era, era_ladder,
    testing::Values(era_case{without_claim("tools/list"), std::nullopt, legacy},
                    era_case{without_claim("tools/list"), "2025-11-25", legacy},
                    era_case{without_claim("tools/list"), "2025-03-26", legacy},
                    era_case{without_claim("tools/list"), "2024-11-05", legacy},
                    era_case{without_claim("tools/list"), "2026-07-28", 400, -32602},
                    era_case{without_claim("server/discover"), "2026-07-28", 400, -32602},
                    era_case{without_claim("tools/list"), "1999-01-01", 400, -32022},
                    era_case{without_claim("tools/list"), "", 400, -32022},
                    // initialize settles the version in its own parameters.
                    era_case{without_claim("initialize"), "2026-07-28", legacy},
                    era_case{without_claim("initialize"), "nonsense", legacy},
                    // With a claim it is a method that the modern era does not have.
                    era_case{with_claim("initialize", "\"2026-07-28\""), "2026-07-28", modern},
                    era_case{with_claim("server/discover", "\"2026-07-28\""), "2026-07-28", modern},
                    era_case{with_claim("server/discover", "\"2026-07-28\""), std::nullopt, 400, -32020},
                    era_case{with_claim("tools/list", "\"2026-07-28\""), "2025-11-25", 400, -32020},
                    era_case{with_claim("tools/call", "\"2099-01-01\""), "2099-01-01", 400, -32022},
                    era_case{with_claim("tools/call", "\"2099-01-01\""), std::nullopt, 400, -32022},
                    era_case{with_claim("tools/call", "\"2099-01-01\""), "2025-11-25", 400, -32020},
                    era_case{without_claim("server/discover"), std::nullopt, 404, -32601},
                    era_case{without_claim("subscriptions/listen"), "2025-11-25", 404, -32601},
                    era_case{with_claim("tools/list", "\"2025-11-25\""), "2025-11-25", legacy},
                    era_case{with_claim("tools/list", "\"2025-11-25\""), std::nullopt, legacy},
                    era_case{with_claim("tools/list", "\"2025-11-25\""), "2025-06-18", 400, -32020},
                    era_case{with_claim("tools/list", "7"), std::nullopt, 400, -32602},
                    era_case{with_claim("tools/list", "null"), "2025-11-25", 400, -32602},
                    era_case{with_claim("tools/list", "\"a\",\"io.modelcontextprotocol/protocolVersion\":\"b\""),
                             std::nullopt, 400, -32602}));

TEST(era, a_refused_claim_is_told_what_can_be_claimed) {
    const auto found = classify_text(with_claim("server/discover", "\"2099-01-01\""), std::nullopt);
    ASSERT_FALSE(found);
    const auto data = nlohmann::json::parse(found.error().data);
    EXPECT_EQ(data["requested"], "2099-01-01");
    EXPECT_EQ(data["supported"], nlohmann::json({"2026-07-28"}));
}

TEST(era, a_refused_header_is_told_all_versions) {
    const auto found = classify_text(without_claim("tools/list"), "1999-01-01");
    ASSERT_FALSE(found);
    EXPECT_EQ(nlohmann::json::parse(found.error().data)["supported"],
              nlohmann::json({"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"}));
}

TEST(era, the_header_decides_for_notifications_and_refuses_responses) {
    const auto notification = classify_text(R"({"jsonrpc":"2.0","method":"notifications/cancelled"})", "2026-07-28");
    ASSERT_TRUE(notification);
    EXPECT_EQ(*notification, era::modern);
    const auto response = classify_text(R"({"jsonrpc":"2.0","id":1,"result":{}})", "2026-07-28");
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, -32600);
}

TEST(era, shows_no_more_of_a_hostile_version_than_needed) {
    const auto found = classify_text(without_claim("ping"), std::string(100'000, 'v'));
    ASSERT_FALSE(found);
    EXPECT_LT(found.error().message.size() + found.error().data.size(), 500u);
}

TEST(era, a_batch_with_one_modern_element_is_refused) {
    const auto found =
        classify_text("[" + without_claim("ping") + "," + with_claim("ping", "\"2026-07-28\"") + "]", std::nullopt);
    EXPECT_FALSE(found);
}

// The probe of the Claude CLI and of the TypeScript SDK v2, byte for byte.
TEST(era, the_real_probe_is_answered) {
    test::harness h;
    const auto probe = h.post(
        R"({"jsonrpc":"2.0","id":"server-discover-probe-1","method":"server/discover","params":{"_meta":{"io.modelcontextp)"
        R"(rotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"claude-code","title":"Claud)"
        R"(e Code","version":"2.1.329","description":"Anthropic's agentic coding tool","websiteUrl":"https://claude.com/cl)"
        R"(aude-code"},"io.modelcontextprotocol/clientCapabilities":{"roots":{"listChanged":true},"elicitation":{"form":{})"
        R"(,"url":{}}}}}})",
        {{"Mcp-Method", "server/discover"}, {"MCP-Protocol-Version", "2026-07-28"}});
    EXPECT_EQ(probe->status, 200);
    test::expect_response(probe->json(), "server-discover-probe-1");
    EXPECT_EQ(probe->json()["result"]["supportedVersions"], nlohmann::json({"2026-07-28"}));
    EXPECT_EQ(probe->field("Mcp-Session-Id"), "");
}

}  // namespace
}  // namespace common::mcp
