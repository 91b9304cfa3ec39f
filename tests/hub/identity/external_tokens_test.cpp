// Tokens of another authorization server, as the verifier treats them.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "hub/identity/verifier.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/setup.hpp"
#include "tests/common/db/database_test.hpp"

namespace hub::identity {
namespace {

using common::auth::token_claims;
using common::auth::token_errc;
using common::auth::token_error;
using common::auth::token_result;

class external_token : public tests::database_test {
protected:
    void SetUp() override {
        database_test::SetUp();
        accounts_ = std::make_unique<tenancy::store>(*db_);
        ASSERT_TRUE(accounts_->migrate());
        verifier_options options;
        options.now = [this] { return now_; };
        options.steady_now = [this] { return steady_now_; };
        options.external.check = [this](std::string token) { return check(this, std::move(token)); };
        options.external.find = [this](const token_claims& claims) {
            EXPECT_EQ(claims.subject, "alice");
            return person_;
        };
        verifier_ = std::make_unique<verifier>(*accounts_, pool_, options);
    }
    void TearDown() override { pool_.stop(); }

    static boost::asio::awaitable<token_result> check(external_token* self, std::string token) {
        self->asked_.push_back(std::move(token));
        co_return self->answer_;
    }

    verify_result verify(const std::string& credential) {
        boost::asio::io_context io;
        std::optional<verify_result> out;
        boost::asio::co_spawn(io, verifier_->verify(credential), [&](std::exception_ptr thrown, verify_result r) {
            EXPECT_FALSE(thrown);
            out = std::move(r);
        });
        io.run();
        return out.value();
    }

    std::int64_t now_ = 1'800'000'000'000;
    std::chrono::steady_clock::time_point steady_now_{std::chrono::hours(1)};
    token_result answer_ = token_claims{
        .issuer = "i", .subject = "alice", .client_id = {}, .scopes = {}, .workspace = {}, .expires_at = 0};
    tenancy::result<verified> person_ = verified{proto::principal{"w_1", "u_1", "x_1.c", "Alice", {}}, std::nullopt};
    std::vector<std::string> asked_;
    std::unique_ptr<tenancy::store> accounts_;
    common::async::blocking_pool pool_{2, 16};
    std::unique_ptr<verifier> verifier_;
};

TEST_P(external_token, becomes_a_principal_for_a_second) {
    const auto who = verify("ey.ey.sig");
    ASSERT_TRUE(who) << who.error().message;
    EXPECT_EQ(who->user_id, "u_1");
    EXPECT_TRUE(verify("ey.ey.sig"));
    EXPECT_EQ(asked_, std::vector<std::string>{"ey.ey.sig"});
    steady_now_ += std::chrono::seconds(1);
    answer_ = std::unexpected(token_error{token_errc::invalid, "expired"});
    EXPECT_EQ(verify("ey.ey.sig").error().code, verify_errc::invalid);
}

TEST_P(external_token, of_the_hubs_own_kinds_is_never_shown_to_the_server) {
    for (const std::string& own :
         {"czk_" + std::string(40, 'a'), "czk_" + std::string(39, 'a'), "cza_" + std::string(49, 'A'),
          std::string("czr_x"), std::string("czj_x"), std::string("czl_x"), std::string("cz0_")})
        EXPECT_EQ(verify(own).error().code, verify_errc::invalid) << own;
    EXPECT_TRUE(asked_.empty());
}

TEST_P(external_token, that_nobody_can_judge_now_is_not_invalid) {
    answer_ = std::unexpected(token_error{token_errc::unavailable, "It is down."});
    const auto refused = verify("t");
    EXPECT_EQ(refused.error().code, verify_errc::unavailable);
    EXPECT_EQ(refused.error().log_text, "It is down.");
    EXPECT_EQ(refused.error().message.find("down"), std::string::npos);
    answer_ = token_claims{
        .issuer = "i", .subject = "alice", .client_id = {}, .scopes = {}, .workspace = {}, .expires_at = 0};
    person_ = tenancy::fail(tenancy::errc::unavailable, "The database is away.");
    EXPECT_EQ(verify("t").error().code, verify_errc::unavailable);
    person_ = verified{proto::principal{"w_1", "u_1", "x_1.c", "Alice", {}}, std::nullopt};
    EXPECT_TRUE(verify("t"));  // and that was not remembered
}

TEST_P(external_token, of_nobody_here_says_so) {
    person_ = tenancy::fail(tenancy::errc::not_found, "Nobody is linked with you.");
    const auto refused = verify("t");
    EXPECT_EQ(refused.error().code, verify_errc::nobody);
    EXPECT_EQ(refused.error().message, "Nobody is linked with you.");
    person_ = verified{proto::principal{"w_1", "u_1", "x_1.c", "Alice", {}}, std::nullopt};
    EXPECT_TRUE(verify("t"));
}

TEST_P(external_token, ends_at_its_time_also_in_the_cache) {
    person_->expires_at = now_ + 500;
    EXPECT_TRUE(verify("t"));
    now_ += 500;
    EXPECT_EQ(verify("t").error().code, verify_errc::invalid);
}

CODEZ_ON_BOTH_DATABASES(external_token);

}  // namespace
}  // namespace hub::identity
