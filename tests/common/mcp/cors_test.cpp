// What a browser is told about the requests of a page.
#include "common/mcp/cors.hpp"

#include <gtest/gtest.h>

#include "proto/limits.hpp"

namespace common::mcp {
namespace {

using fields = std::vector<std::pair<std::string, std::string>>;

net::http_request request(const std::string& method, const fields& given) {
    net::http_request out;
    out.method = method;
    for (const auto& [name, value] : given) out.fields.add(name, value);
    return out;
}

std::string allowed(const fields& asked) {
    return std::string(*preflight_answer(request("OPTIONS", asked)).fields.find("Access-Control-Allow-Headers"));
}

TEST(cors, a_preflight_has_an_origin_and_a_method) {
    const fields both{{"Origin", "https://a.example"}, {"Access-Control-Request-Method", "POST"}};
    EXPECT_TRUE(is_preflight(request("OPTIONS", both)));
    EXPECT_FALSE(is_preflight(request("POST", both)));
    EXPECT_FALSE(is_preflight(request("options", both)));
    EXPECT_FALSE(is_preflight(request("OPTIONS", {both[0]})));
    EXPECT_FALSE(is_preflight(request("OPTIONS", {both[1]})));
    EXPECT_FALSE(is_preflight(request("OPTIONS", {both[0], both[0], both[1]})));
    EXPECT_FALSE(is_preflight(request("OPTIONS", {both[0], both[1], both[1]})));
}

TEST(cors, a_preflight_is_told_what_mcp_needs) {
    const auto answer = preflight_answer(request("OPTIONS", {}));
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(answer.fields.find("Access-Control-Allow-Methods"), "GET, POST, DELETE, OPTIONS");
    EXPECT_EQ(answer.fields.find("Access-Control-Max-Age"), std::to_string(proto::limits::cors_preflight_s));
    EXPECT_EQ(answer.fields.find("Access-Control-Allow-Headers"),
              "Authorization, X-Codez-Api-Key, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, "
              "Mcp-Name, Last-Event-ID");
    EXPECT_EQ(answer.fields.count("Access-Control-Allow-Credentials"), 0u);
}

TEST(cors, parameters_in_fields_are_allowed_by_name) {
    const std::string without = allowed({});
    const std::string name = "Access-Control-Request-Headers";
    EXPECT_EQ(allowed({{name, "authorization,mcp-param-machine, Mcp-Param-X-1 ,content-type"}}),
              without + ", mcp-param-machine, Mcp-Param-X-1");
    EXPECT_EQ(allowed({{name, "mcp-param-a"}, {name, "mcp-param-b"}}), without + ", mcp-param-a, mcp-param-b");
    for (const char* other : {"", ",", " , ,", "x-evil", "mcp-paramx", "x-mcp-param-a", "*", "mcp-param-a b",
                              "mcp-param-a:b", "mcp-param-\"a\"", "mcp-param-\xc3\xa4", "mcp-param-a;q=1"})
        EXPECT_EQ(allowed({{name, other}}), without) << other;
}

TEST(cors, answers_to_a_page_name_its_origin) {
    const auto added = cors_fields(request("POST", {{"Origin", "https://A.example"}}));
    EXPECT_EQ(added.find("Access-Control-Allow-Origin"), "https://A.example") << "as the browser compares it";
    EXPECT_EQ(added.find("Vary"), "Origin");
    EXPECT_EQ(added.find("Access-Control-Expose-Headers"),
              "Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, X-Request-Id, Retry-After");
    EXPECT_EQ(added.count("Access-Control-Allow-Credentials"), 0u);
    EXPECT_TRUE(cors_fields(request("POST", {})).all().empty());
}

}  // namespace
}  // namespace common::mcp
