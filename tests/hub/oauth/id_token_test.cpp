// ID tokens verify with the published keys, and say no more than was asked.
#include "hub/oauth/id_token.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/auth/json_web_key.hpp"
#include "common/crypto/encoding.hpp"

namespace hub::oauth {
namespace {

using nlohmann::json;

struct token_parts {
    std::string signed_text;
    std::string signature;
    json claims;
};

token_parts split(const std::string& token) {
    const auto first = token.find('.');
    const auto last = token.rfind('.');
    const auto decoded = [&](std::size_t from, std::size_t to) {
        return common::crypto::base64url_decode(std::string_view(token).substr(from, to - from)).value();
    };
    return {token.substr(0, last), decoded(last + 1, token.size()), json::parse(decoded(first + 1, last))};
}

token_grant grant_with(std::vector<std::string> scopes) {
    token_grant of;
    of.client_id = "c_1";
    of.user_id = "u_1";
    of.user_name = "Ada";
    of.user_email = "ada@example.org";
    of.scopes = std::move(scopes);
    return of;
}

TEST(id_tokens, verify_with_the_published_keys) {
    const id_token_issuer issuer("https://hub.example.com", common::crypto::es256_key::generate());
    const auto keys = common::auth::key_set::parse(issuer.key_set().dump());
    ASSERT_TRUE(keys) << keys.error();
    const auto token = split(issuer.issue(grant_with({"openid"}), "n", 1'800'000'000'000));
    const auto* key = keys->find("", common::auth::signature_algorithm::es256);
    ASSERT_NE(key, nullptr);
    EXPECT_TRUE(key->verify(token.signed_text, token.signature));
    EXPECT_FALSE(key->verify(token.signed_text + "x", token.signature));
    EXPECT_EQ(token.claims, (json{{"iss", "https://hub.example.com"},
                                  {"sub", "u_1"},
                                  {"aud", "c_1"},
                                  {"iat", 1'800'000'000},
                                  {"exp", 1'800'000'300},
                                  {"nonce", "n"}}));
}

TEST(id_tokens, name_the_person_only_where_that_was_asked) {
    const id_token_issuer issuer("https://hub.example.com", common::crypto::es256_key::generate());
    const auto claims = split(issuer.issue(grant_with({"openid", "email", "profile"}), "", 0)).claims;
    EXPECT_EQ(claims["email"], "ada@example.org");
    EXPECT_EQ(claims["name"], "Ada");
    EXPECT_FALSE(claims.contains("nonce"));
}

}  // namespace
}  // namespace hub::oauth
