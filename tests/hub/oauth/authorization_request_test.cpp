// What a client may ask at /authorize, and with which error it is told no.
#include "hub/oauth/authorization_request.hpp"

#include <map>

#include <gtest/gtest.h>

namespace hub::oauth {
namespace {

using parameters = std::map<std::string, std::string>;

const parameters good{{"response_type", "code"},
                      {"client_id", "c_1"},
                      {"redirect_uri", "http://localhost:5/cb"},
                      {"code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
                      {"code_challenge_method", "S256"},
                      {"state", "s"},
                      {"resource", "https://hub.example.com/mcp"}};

auto judge(const parameters& changed, const std::string& more = {}) {
    auto all = good;
    for (const auto& [name, value] : changed)
        if (value == "-")
            all.erase(name);
        else
            all[name] = value;
    std::string query;
    for (const auto& [name, value] : all)
        query += (query.empty() ? "" : "&") + name + "=" + pages::encode_component(value);
    return judge_request(pages::parse_form_with_doubles(query + more).value(), "https://hub.example.com");
}

std::string_view error_of(const parameters& changed, const std::string& more = {}) {
    const auto judged = judge(changed, more);
    return judged ? "" : judged.error().error;
}

TEST(authorization_requests, are_taken_as_they_came) {
    const auto judged = judge({{"scope", "mcp:tools offline_access unknown"}, {"nonce", "n"}});
    ASSERT_TRUE(judged);
    EXPECT_EQ(judged->request.state, "s");
    EXPECT_EQ(judged->request.nonce, "n");
    EXPECT_EQ(judged->request.audience, "https://hub.example.com/mcp");
    EXPECT_EQ(judged->request.scopes, (std::vector<std::string>{"mcp:tools", "offline_access"}));
    EXPECT_TRUE(judged->may_ask);
    EXPECT_FALSE(judged->ask_always);
}

TEST(authorization_requests, without_scope_or_resource_mean_the_usual) {
    const auto judged = judge({{"resource", "-"}, {"state", "-"}});
    ASSERT_TRUE(judged);
    EXPECT_EQ(judged->request.scopes, std::vector<std::string>{"mcp:tools"});
    EXPECT_EQ(judged->request.audience, "https://hub.example.com/mcp");
}

TEST(authorization_requests, need_pkce_by_s256) {
    for (const parameters& without :
         {parameters{{"code_challenge", "-"}}, parameters{{"code_challenge_method", "-"}},
          parameters{{"code_challenge_method", "plain"}}, parameters{{"code_challenge", "short"}},
          parameters{{"code_challenge", std::string(43, '=')}},
          parameters{{"code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cMA"}}})
        EXPECT_EQ(error_of(without), "invalid_request");
}

TEST(authorization_requests, are_refused_with_the_errors_of_the_rfcs) {
    EXPECT_EQ(error_of({{"response_type", "-"}}), "invalid_request");
    EXPECT_EQ(error_of({{"response_type", "token"}}), "unsupported_response_type");
    EXPECT_EQ(error_of({{"response_mode", "fragment"}}), "invalid_request");
    EXPECT_EQ(error_of({{"request", "x"}}), "request_not_supported");
    EXPECT_EQ(error_of({{"request_uri", "x"}}), "request_uri_not_supported");
    EXPECT_EQ(error_of({}, "&resource=https%3A%2F%2Fhub.example.com%2Fmcp"), "invalid_target");
    EXPECT_EQ(error_of({}, "&state=t"), "invalid_request");
    EXPECT_EQ(error_of({{"scope", "nonsense"}}), "invalid_scope");
    EXPECT_EQ(error_of({{"scope", "offline_access"}}), "invalid_scope");
    EXPECT_EQ(error_of({{"scope", "a\nb"}}), "invalid_scope");
    EXPECT_EQ(error_of({{"state", std::string(5000, 's')}}), "invalid_request");
    EXPECT_EQ(error_of({{"prompt", "none login"}}), "invalid_request");
}

TEST(authorization_requests, say_what_may_be_asked_of_the_person) {
    EXPECT_FALSE(judge({{"prompt", "none"}})->may_ask);
    EXPECT_TRUE(judge({{"prompt", "consent"}})->ask_always);
    EXPECT_TRUE(judge({{"prompt", "login"}})->request.login_again);
    EXPECT_TRUE(judge({{"prompt", "something"}}));
}

}  // namespace
}  // namespace hub::oauth
