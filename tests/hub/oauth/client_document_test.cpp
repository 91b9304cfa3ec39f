#include "hub/oauth/client_document.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hub::oauth {
namespace {

using nlohmann::json;

constexpr const char* id = "https://app.example/oauth/client.json";

json document() {
    return {{"client_id", id}, {"client_name", "App"}, {"redirect_uris", {"http://localhost/callback"}}};
}

std::expected<client_document, std::string> parse(const json& of) { return parse_client_document(id, of.dump()); }

TEST(client_id, is_a_url_with_a_path_that_everybody_reads_alike) {
    for (const auto* good : {id, "https://app.example/c", "https://app.example:8443/c", "https://app.example/c?v=1",
                             "https://app.example/a/.b/c..", "https://app.example/%2e%2e%2e", "https://192.0.2.1/c",
                             "https://xn--bcher-kva.example/c", "https://APP.example/C"})
        EXPECT_EQ(find_client_id_fault(good), std::nullopt) << good;
    for (const auto* bad : {"",
                            "client",
                            "https://",
                            "https://app.example",
                            "https://app.example/",
                            "https://app.example?x",
                            "https://app.example/?x",
                            "http://app.example/c",
                            "HTTPS://app.example/c",
                            "https://app.example/c#f",
                            "https://u@app.example/c",
                            "https://u:p@app.example/c",
                            "https://app.example/./c",
                            "https://app.example/a/../c",
                            "https://app.example/..",
                            "https://app.example/%2e/c",
                            "https://app.example/%2E%2e/c",
                            "https://app.example/.%2e/c",
                            "https://app.example/c d",
                            "https://app.example/c\n",
                            "https://app.example/\\c",
                            "https://app.example/\x7f",
                            "https://b\xc3\xbc.example/c",
                            "https://app.example./c",
                            "https://127.1/c"}) {
        const auto fault = find_client_id_fault(bad);
        ASSERT_TRUE(fault) << bad;
        EXPECT_TRUE(fault->starts_with("This client_id cannot be used: ") && fault->ends_with('.')) << *fault;
    }
    EXPECT_TRUE(find_client_id_fault("https://app.example/" + std::string(2048, 'c')));
    EXPECT_TRUE(is_document_url(id));
    EXPECT_FALSE(is_document_url("c_0123456789"));
}

TEST(client_document, is_read) {
    json full = document();
    full["client_uri"] = "https://app.example/about";
    full["logo_uri"] = "https://app.example/logo.png";
    full["redirect_uris"] = {"https://app.example/cb", "http://127.0.0.1/callback"};
    full["token_endpoint_auth_method"] = "none";
    full["grant_types"] = {"authorization_code"};
    full["unknown"] = {{"deep", 1}};
    const auto parsed = parse(full);
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(*parsed, (client_document{id,
                                        "App",
                                        "app.example",
                                        "https://app.example/about",
                                        {"https://app.example/cb", "http://127.0.0.1/callback"},
                                        "none"}));
}

TEST(client_document, needs_little) {
    const auto least = parse({{"client_id", id}, {"redirect_uris", {"http://localhost/callback"}}});
    ASSERT_TRUE(least) << least.error();
    EXPECT_EQ(least->client_name, "app.example");
    EXPECT_EQ(least->token_endpoint_auth_method, "none");
    EXPECT_EQ(least->client_uri, "");
}

TEST(client_document, a_name_that_could_deceive_gives_way_to_the_host) {
    for (const json& name : {json("Cla\u202eedu"), json("a\nb"), json("a\u0007"), json(std::string(101, 'a')), json(""),
                             json(5), json(nullptr), json::array({"App"}), json(" App")}) {
        json one = document();
        one["client_name"] = name;
        const auto parsed = parse(one);
        ASSERT_TRUE(parsed) << parsed.error();
        EXPECT_EQ(parsed->client_name, "app.example") << name;
    }
    json marked_up = document();
    marked_up["client_name"] = "<script>alert(1)</script>";  // escaping is the page's part
    EXPECT_EQ(parse(marked_up)->client_name, "<script>alert(1)</script>");
}

TEST(client_document, what_does_not_fit_is_named) {
    const auto fault = [](const char* member, const json& value) {
        json one = document();
        one[member] = value;
        const auto parsed = parse(one);
        EXPECT_FALSE(parsed) << member << " " << value;
        return parsed ? std::string() : parsed.error();
    };
    for (const json& other :
         {json("https://app.example/oauth/client.json/"), json("https://APP.example/oauth/client.json"),
          json("https://evil.example/c"), json(nullptr), json(1)})
        EXPECT_NE(fault("client_id", other).find("client_id"), std::string::npos);
    for (const json& uris : {json(nullptr), json("https://app.example/cb"), json::array(), json::array({1}),
                             json::array({"javascript:alert(1)"}), json::array({"https://app.example/cb", "data:x"}),
                             json(std::vector<std::string>(11, "https://app.example/cb")), json::object()})
        EXPECT_NE(fault("redirect_uris", uris).find("redirect_uris"), std::string::npos);
    for (const char* member : {"client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"})
        for (const json& uri : {json("http://app.example/"), json("javascript:x"), json(1)})
            EXPECT_NE(fault(member, uri).find(member), std::string::npos);
    for (const char* method : {"client_secret_basic", "client_secret_post", "client_secret_jwt", "x", ""})
        EXPECT_NE(fault("token_endpoint_auth_method", method).find("token_endpoint_auth_method"), std::string::npos);
    EXPECT_NE(fault("client_secret", "s").find("secret"), std::string::npos);
    EXPECT_NE(fault("client_secret_expires_at", 0).find("secret"), std::string::npos);
    json without = document();
    without.erase("redirect_uris");
    EXPECT_FALSE(parse(without));
}

TEST(client_document, anything_else_is_refused) {
    for (const std::string body :
         {"", "{", "[]", "null", "\"x\"", "<html></html>", "{\"client_id\":\"\xff\"}", "{} {}"})
        EXPECT_FALSE(parse_client_document(id, body)) << body;
    EXPECT_FALSE(parse_client_document(id, std::string(5000, '[')));
    EXPECT_FALSE(parse_client_document(id, document().dump() + "x"));
}

}  // namespace
}  // namespace hub::oauth
