#include "common/auth/server_metadata.hpp"

#include "tests/common/auth/fake_server.hpp"

namespace {
using namespace common::auth;

TEST(issuer, is_an_https_url) {
    for (const auto* good :
         {"https://as.example", "https://as.example/", "https://as.example/tenant", "https://as.example:8443"})
        EXPECT_TRUE(is_issuer(good)) << good;
    for (const auto* bad : {"", "as.example", "http://as.example", "https://as.example?x", "https://as.example/#f",
                            "https://u@as.example"})
        EXPECT_FALSE(is_issuer(bad)) << bad;
}

TEST(metadata_urls, are_where_the_standards_put_them) {
    EXPECT_EQ(metadata_urls("https://as.example"),
              (std::vector<std::string>{"https://as.example/.well-known/oauth-authorization-server",
                                        "https://as.example/.well-known/openid-configuration"}));
    EXPECT_EQ(metadata_urls("https://as.example/a/b/"),
              (std::vector<std::string>{"https://as.example/.well-known/oauth-authorization-server/a/b",
                                        "https://as.example/a/b/.well-known/openid-configuration"}));
}

TEST(server_metadata, is_of_its_issuer_and_names_https_endpoints) {
    const auto parse = [](std::string_view body) { return parse_server_metadata(body, "https://as.example"); };
    const auto good = parse(R"({"issuer":"https://as.example","jwks_uri":"https://as.example/jwks",
                               "introspection_endpoint":"https://as.example/introspect"})");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->jwks_uri, "https://as.example/jwks");
    EXPECT_EQ(good->introspection_endpoint, "https://as.example/introspect");
    const auto plain =
        parse(R"({"issuer":"https://as.example","jwks_uri":"http://as.example/jwks","introspection_endpoint":5})");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->jwks_uri, "");
    EXPECT_EQ(plain->introspection_endpoint, "");
    for (const auto* bad : {"", "[]", "{}", R"({"issuer":"https://as.example/"})",
                            R"({"issuer":"https://evil.example"})", R"({"issuer":["https://as.example"]})"})
        EXPECT_FALSE(parse(bad)) << bad;
}

TEST(server_metadata, says_how_people_sign_in_there) {
    const auto parse = [](nlohmann::json more) {
        more["issuer"] = "https://as.example";
        return parse_server_metadata(more.dump(), "https://as.example").value();
    };
    const auto bare = parse(nlohmann::json::object());
    EXPECT_EQ(bare.authorization_endpoint + bare.token_endpoint, "");
    EXPECT_TRUE(bare.takes_basic);
    EXPECT_FALSE(bare.takes_post);
    EXPECT_FALSE(bare.sends_issuer);
    const auto full = parse({{"authorization_endpoint", "https://as.example/a"},
                             {"token_endpoint", "https://as.example/t"},
                             {"token_endpoint_auth_methods_supported", {"private_key_jwt", "client_secret_post"}},
                             {"authorization_response_iss_parameter_supported", true}});
    EXPECT_EQ(full.authorization_endpoint, "https://as.example/a");
    EXPECT_EQ(full.token_endpoint, "https://as.example/t");
    EXPECT_FALSE(full.takes_basic);
    EXPECT_TRUE(full.takes_post);
    EXPECT_TRUE(full.sends_issuer);
    const auto odd = parse({{"authorization_endpoint", "http://as.example/a"},
                            {"token_endpoint", {"https://as.example/t"}},
                            {"token_endpoint_auth_methods_supported", "client_secret_basic"},
                            {"authorization_response_iss_parameter_supported", "true"}});
    EXPECT_EQ(odd.authorization_endpoint + odd.token_endpoint, "");
    EXPECT_FALSE(odd.takes_basic || odd.takes_post || odd.sends_issuer);
}

class metadata_of_server : public test::fake_server {
protected:
    std::expected<server_metadata, std::string> find() {
        return run(find_server_metadata(issuer, access(), std::chrono::steady_clock::now() + std::chrono::seconds(3)));
    }
};

TEST_F(metadata_of_server, is_looked_for_in_both_places) {
    EXPECT_FALSE(find());
    EXPECT_EQ(asked_.size(), 2U);
    answers_["https://as.example/.well-known/openid-configuration"] = {
        200, {}, R"({"issuer":"https://as.example","jwks_uri":"https://as.example/jwks"})"};
    ASSERT_TRUE(find());
    EXPECT_EQ(find()->jwks_uri, "https://as.example/jwks");
    down_ = true;
    EXPECT_EQ(find().error(), "It is down.");
}

}  // namespace
