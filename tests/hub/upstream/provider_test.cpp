#include "hub/upstream/provider.hpp"

#include <gmock/gmock.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "hub/upstream/providers.hpp"
#include "tests/common/auth/fake_server.hpp"
#include "tests/common/auth/token_maker.hpp"

namespace hub::upstream {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view public_url = "https://hub.example";

class sign_in_at : public test::fake_server {
protected:
    void SetUp() override {
        publish(json::object());
        answers_["https://as.example/jwks"] = {200, {}, test::key_set_json({key_.jwk()}).dump()};
        answer({{"id_token", id_token()}});
    }
    void publish(json more) {
        json all{{"authorization_endpoint", "https://login.as.example/start?tenant=1"},
                 {"token_endpoint", "https://as.example/token"},
                 {"jwks_uri", "https://as.example/jwks"}};
        all.update(more);
        publish_metadata(all);
    }
    void answer(const json& body, int status = 200) {
        answers_["https://as.example/token"] = {status, {}, body.dump()};
    }
    std::string id_token(const json& more = json::object()) const {
        json claims{{"iss", issuer},         {"aud", "hub"}, {"sub", "alice"},
                    {"nonce", proof_.nonce}, {"iat", now()}, {"exp", now() + 300}};
        claims.update(more);
        return test::make_token(key_, claims, {{"typ", "JWT"}});
    }
    provider& company() { return *all_.find("company"); }
    provider& github() { return *all_.find("github"); }
    auto redeem(provider& at) { return run(at.redeem({"the code", proof_})); }
    failure fault(provider& at) { return redeem(at).error().what; }
    auto check(provider& at, std::optional<std::string> iss) {
        return run(at.check_issuer(std::move(iss))).has_value();
    }

    const proof proof_ = make_proof("visitor", "state");
    const test::signing_key key_{test::signing_key::kind::ec, "one"};
    providers all_{io_.get_executor(),
                   {{"company", "Example", provider_kind::openid, issuer, "hub", "s: %&+"},
                    {"github", "GitHub", provider_kind::github, "https://github.com", "gh", "gh-secret"},
                    {"ghes", "Ours", provider_kind::github, "https://github.example.com", "gh", "gh-secret"}},
                   public_url,
                   access()};
};

TEST(proof_of_a_visit, only_the_visitor_has) {
    const auto one = make_proof("visitor", "state");
    EXPECT_EQ(one.code_verifier.size(), 43U);
    EXPECT_EQ(one.seal_key.size(), 32U);
    EXPECT_NE(one.code_verifier, one.nonce);
    EXPECT_EQ(make_proof("visitor", "state").nonce, one.nonce);
    EXPECT_NE(make_proof("visitor", "other").nonce, one.nonce);
    EXPECT_NE(make_proof("other", "state").nonce, one.nonce);
}

TEST_F(sign_in_at, a_browser_is_sent_with_what_proves_the_visit) {
    const auto url = run(company().authorization_url({"state", proof_, false})).value();
    EXPECT_TRUE(
        url.starts_with("https://login.as.example/start?tenant=1&response_type=code&scope=openid&client_id=hub&"));
    EXPECT_THAT(url, HasSubstr("&redirect_uri=https%3A%2F%2Fhub.example%2Fsign-in%2Fcallback%2Fcompany&state=state&"));
    EXPECT_THAT(url, HasSubstr("&nonce=" + proof_.nonce));
    EXPECT_THAT(url, HasSubstr("&code_challenge_method=S256"));
    EXPECT_THAT(url, HasSubstr(common::crypto::base64url_encode(common::crypto::sha256(proof_.code_verifier))));
    EXPECT_THAT(url, Not(HasSubstr(proof_.code_verifier)));
    EXPECT_THAT(url, Not(HasSubstr("prompt")));
    EXPECT_THAT(run(company().authorization_url({"state", proof_, true})).value(),
                HasSubstr("&prompt=login&max_age=0"));
    EXPECT_EQ(run(company().authorization_origin()), "https://login.as.example");
    const auto there = run(github().authorization_url({"state", proof_, true})).value();
    EXPECT_TRUE(there.starts_with("https://github.com/login/oauth/authorize?response_type=code&client_id=gh&"));
    EXPECT_THAT(there, Not(HasSubstr("prompt")));
}

TEST_F(sign_in_at, a_code_is_redeemed_with_secret_and_verifier) {
    const auto who = redeem(company());
    ASSERT_TRUE(who) << who.error().log_text;
    EXPECT_EQ(who->issuer, issuer);
    EXPECT_EQ(who->subject, "alice");
    const auto& asked = *std::ranges::find(asked_, "https://as.example/token", &common::net::http_client_request::url);
    EXPECT_EQ(asked.method, "POST");
    EXPECT_EQ(asked.fields.find("Authorization"), "Basic " + common::crypto::base64_encode("hub:s%3A%20%25%26%2B"));
    EXPECT_EQ(asked.body,
              "grant_type=authorization_code&code=the%20code&redirect_uri=https%3A%2F%2Fhub.example%2Fsign-in%2F"
              "callback%2Fcompany&code_verifier=" +
                  proof_.code_verifier);
    for (const auto& request : asked_) EXPECT_NE(request.guard, nullptr) << request.url;
}

TEST_F(sign_in_at, the_secret_goes_as_the_provider_takes_it) {
    publish({{"token_endpoint_auth_methods_supported", {"client_secret_post"}}});
    ASSERT_TRUE(redeem(company()));
    const auto& asked = *std::ranges::find(asked_, "https://as.example/token", &common::net::http_client_request::url);
    EXPECT_EQ(asked.fields.count("Authorization"), 0U);
    EXPECT_THAT(asked.body, HasSubstr("&client_id=hub&client_secret=s%3A%20%25%26%2B"));
}

TEST_F(sign_in_at, a_provider_that_cannot_be_asked_is_not_a_bad_answer) {
    answer({{"error", "invalid_client"}}, 401);
    EXPECT_EQ(fault(company()), failure::unavailable);
    answer({{"error", "server_error"}}, 500);
    EXPECT_EQ(fault(company()), failure::unavailable);
    answer({{"error", "invalid_grant"}, {"error_description", "<secret>"}}, 400);
    EXPECT_EQ(fault(company()), failure::refused);
    EXPECT_THAT(redeem(company()).error().log_text, Not(HasSubstr("secret")));
    answer({{"access_token", "x"}});
    EXPECT_EQ(fault(company()), failure::refused);
    answer({{"id_token", id_token({{"nonce", "other"}})}});
    EXPECT_EQ(fault(company()), failure::refused);
    answer(json::array());
    EXPECT_EQ(fault(company()), failure::refused);
    down_ = true;
    EXPECT_EQ(fault(company()), failure::unavailable);
}

TEST_F(sign_in_at, an_answer_is_of_the_one_that_was_asked) {
    EXPECT_TRUE(check(company(), issuer));
    EXPECT_TRUE(check(company(), std::nullopt));
    EXPECT_FALSE(check(company(), "https://other.example"));
    EXPECT_FALSE(check(company(), ""));
    publish({{"authorization_response_iss_parameter_supported", true}});
    pass(std::chrono::hours(2));
    EXPECT_FALSE(check(company(), std::nullopt));
    EXPECT_TRUE(check(github(), std::nullopt));
    EXPECT_TRUE(check(github(), "https://github.com/login/oauth"));
    EXPECT_FALSE(check(github(), issuer));
}

TEST_F(sign_in_at, github_says_by_its_api_who_it_was) {
    answers_["https://github.com/login/oauth/access_token"] = {200, {}, json{{"access_token", "gho_1"}}.dump()};
    answers_["https://api.github.com/user"] = {200, {}, json{{"id", 583231}, {"login", "octocat"}}.dump()};
    const auto who = redeem(github());
    ASSERT_TRUE(who) << who.error().log_text;
    EXPECT_EQ(who->issuer, "https://github.com");
    EXPECT_EQ(who->subject, "583231");
    EXPECT_EQ(asked_.back().fields.find("Authorization"), "Bearer gho_1");
    EXPECT_EQ(asked_.back().fields.find("User-Agent"), "codez-hub");
    for (const auto& body : {R"({"id":"583231"})", R"({"id":0})", R"({"id":-1})", R"({"id":1.5})", "{}", "[]", ""}) {
        answers_["https://api.github.com/user"].body = body;
        EXPECT_EQ(fault(github()), failure::refused) << body;
    }
    answers_["https://github.com/login/oauth/access_token"].body = json{{"access_token", "a\r\nb"}}.dump();
    EXPECT_EQ(fault(github()), failure::refused);
    answers_["https://github.com/login/oauth/access_token"].body = json{{"error", "bad_verification_code"}}.dump();
    EXPECT_EQ(fault(github()), failure::refused);
    answers_["https://github.com/login/oauth/access_token"].body =
        json{{"error", "incorrect_client_credentials"}}.dump();
    EXPECT_EQ(fault(github()), failure::unavailable);
}

TEST_F(sign_in_at, a_github_of_ones_own_has_its_api_beside_it) {
    answers_["https://github.example.com/login/oauth/access_token"] = {200, {}, json{{"access_token", "gho_1"}}.dump()};
    answers_["https://github.example.com/api/v3/user"] = {200, {}, json{{"id", 7}}.dump()};
    const auto who = redeem(*all_.find("ghes"));
    ASSERT_TRUE(who) << who.error().log_text;
    EXPECT_EQ(who->issuer, "https://github.example.com");
    EXPECT_EQ(who->subject, "7");
}

TEST_F(sign_in_at, pages_may_lead_to_where_the_providers_are) {
    EXPECT_THAT(run(all_.form_targets()),
                testing::ElementsAre("https://login.as.example", "https://github.com", "https://github.example.com"));
    EXPECT_EQ(all_.find_issuer("https://github.com")->options().name, "GitHub");
    EXPECT_EQ(all_.find("other"), nullptr);
}

}  // namespace
}  // namespace hub::upstream
