#include "hub/identity/verifier.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "hub/tenancy/setup.hpp"
#include "tests/common/db/database_test.hpp"

namespace hub::identity {
namespace {

class verifiers : public tests::database_test {
protected:
    void SetUp() override {
        database_test::SetUp();
        if (HasFatalFailure()) return;
        tenancy::setup_options options;
        options.workspace_name = "Acme";
        options.owner_name = "Ada";
        made_ = tenancy::initialise(*db_, options, clock()).value();
        accounts_ = std::make_unique<tenancy::store>(*db_, clock());
        verifier_options fast;
        fast.now = clock();
        fast.steady_now = [this] { return steady_now_; };
        verifier_ = std::make_unique<verifier>(*accounts_, pool_, fast);
    }
    void TearDown() override { pool_.stop(); }

    tenancy::clock_function clock() {
        return [this] { return now_; };
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

    tenancy::api_key_options key_options() const {
        tenancy::api_key_options options;
        options.workspace_id = made_.first_workspace.id;
        options.user_id = made_.owner.id;
        options.name = "second";
        options.scopes = {"sessions:read"};
        return options;
    }

    std::int64_t now_ = 1'800'000'000'000;
    std::chrono::steady_clock::time_point steady_now_{std::chrono::hours(1)};
    tenancy::setup_result made_;
    std::unique_ptr<tenancy::store> accounts_;
    common::async::blocking_pool pool_{2, 16};
    std::unique_ptr<verifier> verifier_;
};

TEST_P(verifiers, a_key_becomes_its_principal) {
    const auto who = verify(made_.key.secret);
    ASSERT_TRUE(who) << who.error().message;
    EXPECT_EQ(who->workspace_id, made_.first_workspace.id);
    EXPECT_EQ(who->user_id, made_.owner.id);
    EXPECT_EQ(who->client_id, made_.key.id);
    EXPECT_EQ(who->name, "Ada");
    EXPECT_TRUE(who->has_scope("sessions:write"));
    EXPECT_FALSE(who->has_scope("machines:admin"));
    EXPECT_EQ(*verify(made_.key.secret), *who);  // from the cache
}

TEST_P(verifiers, absent_and_invalid_are_told_apart_and_all_invalid_ones_look_alike) {
    EXPECT_EQ(verify("").error().code, verify_errc::absent);
    const auto unknown = verify("czk_" + std::string(40, 'a'));
    EXPECT_EQ(unknown.error().code, verify_errc::invalid);
    ASSERT_TRUE(accounts_->revoke_api_key(made_.first_workspace.id, made_.key.id, "user:x"));
    for (const std::string& credential : {made_.key.secret, made_.join.secret, std::string("x"), std::string("czk_"),
                                          "czk_" + std::string(40, 'A'), std::string(1'000'000, 'x')}) {
        const auto refused = verify(credential);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, verify_errc::invalid);
        EXPECT_EQ(refused.error().message, unknown.error().message);
    }
}

TEST_P(verifiers, a_revoked_key_is_refused_at_once_after_invalidate) {
    ASSERT_TRUE(verify(made_.key.secret));
    ASSERT_TRUE(accounts_->revoke_api_key(made_.first_workspace.id, made_.key.id, "user:x"));
    EXPECT_TRUE(verify(made_.key.secret));  // still cached
    verifier_->invalidate(made_.key.id);
    EXPECT_EQ(verify(made_.key.secret).error().code, verify_errc::invalid);
}

TEST_P(verifiers, a_key_revoked_by_another_process_is_refused_within_a_second) {
    ASSERT_TRUE(verify(made_.key.secret));
    ASSERT_TRUE(accounts_->revoke_api_key(made_.first_workspace.id, made_.key.id, "user:x"));
    steady_now_ += std::chrono::seconds(1);
    EXPECT_EQ(verify(made_.key.secret).error().code, verify_errc::invalid);
}

TEST_P(verifiers, a_key_ends_at_its_time_also_in_the_cache) {
    auto options = key_options();
    options.expires_at = now_ + 500;
    const auto made = accounts_->create_api_key(options).value();
    EXPECT_TRUE(verify(made.secret));
    now_ += 500;
    EXPECT_EQ(verify(made.secret).error().code, verify_errc::invalid);
    verifier_->invalidate_all();
    EXPECT_EQ(verify(made.secret).error().code, verify_errc::invalid);
}

TEST_P(verifiers, the_role_limits_the_key) {
    ASSERT_TRUE(accounts_->set_membership(made_.first_workspace.id, made_.owner.id, tenancy::role::viewer));
    const auto who = verify(made_.key.secret);
    ASSERT_TRUE(who);
    EXPECT_TRUE(who->has_scope("sessions:read"));
    EXPECT_FALSE(who->has_scope("sessions:write"));
}

TEST_P(verifiers, a_database_that_is_away_is_unavailable_and_never_invalid) {
    const auto second = accounts_->create_api_key(key_options()).value();
    ASSERT_TRUE(verify(made_.key.secret));
    if (GetParam() == tests::dialect::sqlite) {
        const auto impatient = connect({.busy_timeout_ms = 1});
        tenancy::store locked_out(*impatient);
        verifier_ = std::make_unique<verifier>(locked_out, pool_, verifier_options{});
        (void)db_->transaction(
            [&](common::db::connection&) { EXPECT_EQ(verify(second.secret).error().code, verify_errc::unavailable); });
        EXPECT_TRUE(verify(second.secret));  // and that was not remembered
        verifier_.reset();
    } else {
        tests::shared_postgres().stop();
        EXPECT_EQ(verify(second.secret).error().code, verify_errc::unavailable);
        EXPECT_TRUE(verify(made_.key.secret));  // within its second
        ASSERT_FALSE(tests::shared_postgres().start());
        EXPECT_TRUE(verify(second.secret));
    }
}

TEST_P(verifiers, an_overloaded_or_stopped_pool_is_unavailable) {
    pool_.stop();
    const auto refused = verify(made_.key.secret);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, verify_errc::unavailable);
    EXPECT_FALSE(refused.error().log_text.empty());
}

CODEZ_ON_BOTH_DATABASES(verifiers);

}  // namespace
}  // namespace hub::identity
