// Keys that were revoked or expired are told, whoever did it, and for long enough.
#include "hub/identity/ended_keys.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "hub/tenancy/setup.hpp"
#include "tests/common/db/database_test.hpp"

namespace hub::identity {
namespace {

using ids = ended_keys::ids;

class ended_keys_test : public tests::database_test {
protected:
    void SetUp() override {
        database_test::SetUp();
        if (HasFatalFailure()) return;
        tenancy::setup_options options;
        options.workspace_name = "Acme";
        options.owner_name = "Ada";
        made_ = tenancy::initialise(*db_, options, clock()).value();
        accounts_ = std::make_unique<tenancy::store>(*db_, clock());
    }
    void TearDown() override { pool_.stop(); }

    tenancy::clock_function clock() {
        return [this] { return now_; };
    }
    std::string make_key(std::optional<std::int64_t> expires_at = {}) {
        tenancy::api_key_options options;
        options.workspace_id = made_.first_workspace.id;
        options.user_id = made_.owner.id;
        options.name = "second";
        options.scopes = {"mcp:tools"};
        options.expires_at = expires_at;
        return accounts_->create_api_key(options).value().id;
    }
    void revoke(const std::string& id) {
        EXPECT_TRUE(accounts_->revoke_api_key(made_.first_workspace.id, id, "user:x"));
    }
    // What one look tells; nothing if it tells nothing.
    std::optional<ids> look() {
        std::optional<ids> told;
        ended_keys subject(
            *accounts_, pool_, [this] { return grants_; }, [&](const ids& ended) { told = ended; }, clock());
        boost::asio::io_context io;
        boost::asio::co_spawn(io, subject.look(), boost::asio::detached);
        io.run();
        return told;
    }

    tenancy::result<std::vector<std::string>> grants_;
    std::int64_t now_ = 1'800'000'000'000;
    tenancy::setup_result made_;
    std::unique_ptr<tenancy::store> accounts_;
    common::async::blocking_pool pool_{1, 16};
};

TEST_P(ended_keys_test, grants_are_told_with_the_keys) {
    grants_ = std::vector<std::string>{"g_1"};
    EXPECT_EQ(look(), ids{"g_1"});
    const auto key = make_key();
    revoke(key);
    EXPECT_EQ(look(), (ids{key, "g_1"}));
    grants_ = std::unexpected(tenancy::error{});
    EXPECT_EQ(look(), ids{key});
}

TEST_P(ended_keys_test, revoked_and_expired_keys_are_told_for_an_hour) {
    const std::string revoked = make_key();
    const std::string expiring = make_key(now_ + 1000);
    make_key();
    EXPECT_EQ(look(), std::nullopt);
    revoke(revoked);
    EXPECT_EQ(look(), ids{revoked});
    EXPECT_EQ(look(), ids{revoked}) << "what was opened since must end too";
    now_ += 1000;
    EXPECT_EQ(look(), (ids{revoked, expiring}));
    now_ += 3'600'000;
    EXPECT_EQ(look(), std::nullopt);
}

TEST_P(ended_keys_test, a_database_that_fails_tells_nothing) {
    revoke(make_key());
    (void)db_->transaction([](common::db::connection& c) { c.execute("ALTER TABLE api_keys RENAME TO gone"); });
    EXPECT_EQ(look(), std::nullopt);
}

CODEZ_ON_BOTH_DATABASES(ended_keys_test);

}  // namespace
}  // namespace hub::identity
