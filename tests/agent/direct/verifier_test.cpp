// Who gets in at an agent that is reached directly.
#include "agent/direct/verifier.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "common/crypto/secret.hpp"
#include "tests/agent/direct/keys_directory.hpp"

namespace agent::direct {
namespace {

using common::auth::token_claims;
using common::auth::token_errc;
using common::auth::token_error;
using common::auth::token_result;
using common::auth::verify_errc;
using common::auth::verify_result;

// Gives what it was told to.
class fixed_checker final : public common::auth::token_checker {
public:
    fixed_checker(token_result& result, int& asked) : result_(result), asked_(asked) {}
    boost::asio::awaitable<token_result> check(std::string) override {
        ++asked_;
        co_return result_;
    }

private:
    token_result& result_;
    int& asked_;
};

class verifiers : public test::keys_directory {
protected:
    verify_result ask(const std::string& credential) {
        boost::asio::io_context context;
        std::optional<verify_result> out;
        boost::asio::co_spawn(context, subject_.verify(credential),
                              [&](const std::exception_ptr& thrown, verify_result result) {
                                  EXPECT_FALSE(thrown);
                                  out = std::move(result);
                              });
        context.run();
        return out.value();
    }
    verify_errc refusal(const std::string& credential) {
        const auto out = ask(credential);
        EXPECT_FALSE(out);
        return out ? verify_errc::unavailable : out.error().code;
    }
    static token_claims claims(std::string subject, std::string client) {
        return {.issuer = "https://as.example",
                .subject = std::move(subject),
                .client_id = std::move(client),
                .scopes = {"sessions:read"},
                .workspace = {},
                .expires_at = 1000};
    }
    token_options tokens() { return {std::make_unique<fixed_checker>(checked_, asked_), {"alice", "bob"}, true}; }

    std::int64_t now_ = 900'000;
    int asked_ = 0;
    token_result checked_ = claims("alice", "c1");
    live_keys keys_{file_};
    verifier subject_{keys_, tokens(), [this] { return now_; }};
};

TEST_F(verifiers, take_the_keys_of_this_agent) {
    const auto made = add_key(file_, {"laptop", {"sessions:read"}, 1}, now_).value();
    const auto who = ask(made.secret).value();
    EXPECT_EQ(who.key(), "direct/direct/" + made.key.id);
    EXPECT_EQ(who.name, "laptop");
    EXPECT_EQ(who.scopes, std::vector<std::string>{"sessions:read"});
    EXPECT_TRUE(who.attainable.empty());
    EXPECT_FALSE(who.is_person);
    EXPECT_FALSE(subject_.has_ended(who));
    ASSERT_TRUE(revoke_key(file_, made.key.id));
    EXPECT_TRUE(subject_.has_ended(who));
    EXPECT_EQ(refusal(made.secret), verify_errc::invalid);
}

TEST_F(verifiers, show_no_other_server_what_looks_like_a_secret_of_codez) {
    for (const char* own : {"czk_", "cza_", "czr_"})
        EXPECT_EQ(refusal(common::crypto::new_secret(own)), verify_errc::invalid);
    EXPECT_EQ(refusal("czk_0123456789012345678901234567890123456789"), verify_errc::invalid);
    EXPECT_EQ(refusal(""), verify_errc::absent);
    EXPECT_EQ(asked_, 0);
}

TEST_F(verifiers, take_tokens_of_the_named_people_only) {
    const auto alice = ask("token").value();
    EXPECT_EQ(alice.workspace_id, "direct");
    EXPECT_EQ(alice.user_id, "alice");
    EXPECT_EQ(alice.scopes, std::vector<std::string>{"sessions:read"});
    EXPECT_EQ(alice.attainable, std::vector<std::string>{"mcp:tools"});

    checked_ = claims("alice", "c2");
    EXPECT_NE(ask("token").value().key(), alice.key()) << "another client sees nothing of the first";
    checked_ = claims("bob", "c1");
    EXPECT_NE(ask("token").value().key(), alice.key());

    checked_ = claims("mallory", "c1");
    const auto refused = ask("token");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, verify_errc::nobody);
    EXPECT_NE(refused.error().message.find("\"mallory\" at https://as.example"), std::string::npos);
}

TEST_F(verifiers, tell_a_bad_token_from_a_server_that_is_down) {
    checked_ = std::unexpected(token_error{token_errc::invalid, "its aud is not this resource"});
    EXPECT_EQ(refusal("token"), verify_errc::invalid);
    checked_ = std::unexpected(token_error{token_errc::unavailable, "down"});
    EXPECT_EQ(refusal("token"), verify_errc::unavailable);
}

TEST_F(verifiers, know_when_the_last_token_of_a_client_has_expired) {
    const auto alice = ask("token").value();
    EXPECT_FALSE(subject_.has_ended(alice));
    auto longer = claims("alice", "c1");
    longer.expires_at = 2000;
    checked_ = longer;
    ASSERT_TRUE(ask("token"));
    now_ = 1'500'000;
    EXPECT_FALSE(subject_.has_ended(alice));
    now_ = 2'061'000;
    EXPECT_TRUE(subject_.has_ended(alice));

    auto unknown = claims("alice", "c1");
    unknown.expires_at = 0;
    checked_ = unknown;
    ASSERT_TRUE(ask("token"));
    EXPECT_FALSE(subject_.has_ended(alice));
}

TEST_F(verifiers, without_a_server_take_no_token) {
    verifier keys_only(keys_, {}, [this] { return now_; });
    boost::asio::io_context context;
    boost::asio::co_spawn(context, keys_only.verify("token"),
                          [](const std::exception_ptr&, const verify_result& result) {
                              ASSERT_FALSE(result);
                              EXPECT_EQ(result.error().code, verify_errc::invalid);
                          });
    context.run();
}

}  // namespace
}  // namespace agent::direct
