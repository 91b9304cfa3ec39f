#include "common/auth/id_token.hpp"

#include <gtest/gtest.h>

#include "tests/common/auth/token_maker.hpp"

namespace {
using namespace common::auth;
using nlohmann::json;
using test::signing_key;

constexpr std::int64_t now = 1'800'000'000;

class id_tokens : public testing::Test {
protected:
    static json claims(const json& more = json::object()) {
        json all{{"iss", "https://as.example"},
                 {"aud", "hub"},
                 {"sub", "alice"},
                 {"nonce", "n-1"},
                 {"iat", now},
                 {"exp", now + 300}};
        all.update(more);
        return all;
    }
    std::expected<id_token_claims, std::string> check(const std::string& token) const {
        const auto read = read_id_token(token);
        if (!read) return std::unexpected(read.error());
        const auto keys = key_set::parse(test::key_set_json({key_.jwk()}).dump());
        return check_id_token(*read, keys.value(), {"https://as.example", "hub", "n-1"}, now);
    }
    std::string fault(const json& more) const {
        const auto checked = check(test::make_token(key_, claims(more), {{"typ", "JWT"}}));
        return checked ? "" : checked.error();
    }
    std::string fault_without(const char* name) const {
        auto all = claims();
        all.erase(name);
        const auto checked = check(test::make_token(key_, all, {{"typ", "JWT"}}));
        return checked ? "" : checked.error();
    }

    const signing_key key_{signing_key::kind::ec, "one"};
    const signing_key other_{signing_key::kind::ec, "one"};
};

TEST_F(id_tokens, say_who_it_is) {
    const auto plain = check(test::make_token(key_, claims(), {{"typ", "JWT"}}));
    ASSERT_TRUE(plain) << plain.error();
    EXPECT_EQ(plain->subject, "alice");
    EXPECT_EQ(plain->authenticated_at, std::nullopt);
    const auto timed =
        check(test::make_token(key_, claims({{"auth_time", now - 7}, {"aud", {"hub"}}}), json::object()));
    ASSERT_TRUE(timed) << timed.error();
    EXPECT_EQ(timed->authenticated_at, now - 7);
    EXPECT_EQ(fault({{"aud", {"hub", "other"}}, {"azp", "hub"}}), "");
    EXPECT_EQ(fault({{"sub", std::string(255, 'x')}}), "");
}

TEST_F(id_tokens, are_of_the_issuer_for_us_and_of_this_visit) {
    EXPECT_NE(fault({{"iss", "https://as.example/"}}), "");
    EXPECT_NE(fault({{"aud", "other"}}), "");
    EXPECT_NE(fault({{"aud", json::array()}}), "");
    EXPECT_NE(fault({{"aud", {"hub", "other"}}}), "");
    EXPECT_NE(fault({{"aud", {"hub", "other"}}, {"azp", "other"}}), "");
    EXPECT_NE(fault({{"azp", "other"}}), "");
    EXPECT_NE(fault({{"nonce", "n-2"}}), "");
    EXPECT_NE(fault({{"nonce", 1}}), "");
    EXPECT_NE(fault({{"sub", ""}}), "");
    EXPECT_NE(fault({{"sub", 5}}), "");
    EXPECT_NE(fault({{"sub", std::string(256, 'x')}}), "");
    for (const auto* name : {"iss", "aud", "sub", "nonce", "iat", "exp"}) EXPECT_NE(fault_without(name), "") << name;
}

TEST_F(id_tokens, are_of_now) {
    EXPECT_EQ(fault({{"exp", now - 59}}), "");
    EXPECT_NE(fault({{"exp", now - 60}}), "");
    EXPECT_EQ(fault({{"iat", now + 60}}), "");
    EXPECT_NE(fault({{"iat", now + 61}}), "");
    EXPECT_EQ(fault({{"iat", now - 660}}), "");
    EXPECT_NE(fault({{"iat", now - 661}}), "");
    EXPECT_NE(fault({{"nbf", now + 61}}), "");
    for (const auto* name : {"exp", "iat", "nbf", "auth_time"}) EXPECT_NE(fault({{name, "soon"}}), "") << name;
}

TEST_F(id_tokens, are_signed_by_a_key_of_the_provider) {
    EXPECT_FALSE(check(test::make_token(other_, claims(), {{"typ", "JWT"}})));
    const auto good = test::make_token(key_, claims(), {{"typ", "JWT"}});
    EXPECT_FALSE(check(good.substr(0, good.rfind('.') + 1)));
    EXPECT_FALSE(check(test::make_token(key_, claims(), {{"typ", "JWT"}, {"kid", "two"}})));
    const auto none = test::encode({{"alg", "none"}}) + "." + test::encode(claims()) + ".";
    EXPECT_FALSE(check(none));
    EXPECT_FALSE(check(std::string(token_bytes_max + 1, 'x')));
    EXPECT_FALSE(check(""));
}

}  // namespace
