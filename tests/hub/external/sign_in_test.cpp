#include "hub/external/sign_in.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "hub/identity/scopes.hpp"
#include "hub/tenancy/setup.hpp"
#include "tests/common/db/database_test.hpp"

namespace hub::external {
namespace {

using common::auth::token_claims;
using common::auth::token_errc;
using common::auth::token_error;
using common::auth::token_result;

constexpr const char* issuer = "https://as.example";

// Gives what it was told to.
class fixed_checker final : public common::auth::token_checker {
public:
    explicit fixed_checker(token_result& result) : result_(result) {}
    boost::asio::awaitable<token_result> check(std::string) override { co_return result_; }

private:
    token_result& result_;
};

class sign_ins : public tests::database_test {
protected:
    void SetUp() override {
        database_test::SetUp();
        if (HasFatalFailure()) return;
        tenancy::setup_options options;
        options.workspace_name = "Acme";
        options.owner_name = "Ada";
        made_ = tenancy::initialise(*db_, options).value();
        people_ = std::make_unique<identities>(*db_);
        identity_ = people_->link(issuer, "alice", made_.owner.id).value();
        sign_in_ = std::make_unique<sign_in>(std::make_unique<fixed_checker>(checked_), *people_, log_);
    }

    static token_claims claims() {
        return {.issuer = issuer,
                .subject = "alice",
                .client_id = "c1",
                .scopes = {"mcp:tools"},
                .workspace = {},
                .expires_at = 0};
    }
    proto::principal who(const token_claims& of) {
        auto found = sign_in_->look_up(of);
        EXPECT_TRUE(found) << found.error().message;
        return found ? *found->who : proto::principal();
    }
    std::string refusal(const token_claims& of) {
        const auto found = sign_in_->look_up(of);
        EXPECT_FALSE(found);
        EXPECT_TRUE(found || found.error().code == tenancy::errc::not_found);
        return found ? std::string() : found.error().message;
    }

    tenancy::setup_result made_;
    std::string identity_;
    std::unique_ptr<identities> people_;
    common::log::logger log_{common::log::format::json, common::log::level::error};
    token_result checked_ = claims();
    std::unique_ptr<sign_in> sign_in_;
};

TEST_P(sign_ins, a_token_becomes_its_persons_principal) {
    const auto principal = who(claims());
    EXPECT_EQ(principal.workspace_id, made_.first_workspace.id);
    EXPECT_EQ(principal.user_id, made_.owner.id);
    EXPECT_EQ(principal.name, "Ada");
    EXPECT_TRUE(principal.has_scope("sessions:write"));
    EXPECT_FALSE(principal.has_scope("machines:admin"));
    EXPECT_EQ(identity_of_client(principal.client_id), identity_);
    auto other = claims();
    other.client_id = "c2";
    EXPECT_NE(who(other).client_id, principal.client_id);
    EXPECT_EQ(who(claims()).client_id, principal.client_id);
    other.client_id = "https://evil.example/" + std::string(2000, 'x') + "\n";
    EXPECT_LT(who(other).client_id.size(), 64U);
}

TEST_P(sign_ins, rights_are_those_of_token_and_role_both) {
    auto narrow = claims();
    narrow.scopes = {"sessions:read", "workspace:admin", "made:up"};
    EXPECT_EQ(who(narrow).scopes, (std::vector<std::string>{"sessions:read", "workspace:admin"}));
    ASSERT_TRUE(tenancy::store(*db_).set_membership(made_.first_workspace.id, made_.owner.id, tenancy::role::viewer));
    EXPECT_EQ(who(narrow).scopes, std::vector<std::string>{"sessions:read"});
    EXPECT_FALSE(who(claims()).has_scope("sessions:write"));
    narrow.scopes.clear();
    EXPECT_TRUE(who(narrow).scopes.empty());
}

TEST_P(sign_ins, more_can_be_asked_for_where_tokens_have_scopes) {
    ASSERT_TRUE(tenancy::store(*db_).set_membership(made_.first_workspace.id, made_.owner.id, tenancy::role::viewer));
    const auto of_role = identity::scopes_of(tenancy::role::viewer);
    EXPECT_EQ(who(claims()).attainable, std::vector<std::string>(of_role.begin(), of_role.end()));
    sign_in authkit(std::make_unique<fixed_checker>(checked_), *people_, log_, false);
    EXPECT_TRUE(authkit.look_up(claims())->who->attainable.empty());
}

TEST_P(sign_ins, a_principal_ends_with_its_token) {
    auto short_lived = claims();
    short_lived.expires_at = 1'800'000'000;
    EXPECT_EQ(sign_in_->look_up(short_lived)->expires_at, 1'800'000'060'000);
    EXPECT_EQ(sign_in_->look_up(claims())->expires_at, std::nullopt);
}

TEST_P(sign_ins, who_is_nobody_here_is_told_so) {
    auto stranger = claims();
    stranger.subject = "mallory";
    EXPECT_NE(refusal(stranger).find("\"mallory\" at https://as.example"), std::string::npos);
    stranger = claims();
    stranger.issuer = "https://other.example";
    refusal(stranger);
    ASSERT_TRUE(people_->unlink(issuer, "alice"));
    refusal(claims());
}

TEST_P(sign_ins, the_workspace_is_that_of_the_claim_or_the_only_one) {
    tenancy::store store(*db_);
    const auto second = store.create_workspace("Second").value();
    auto named = claims();
    named.workspace = second.id;
    EXPECT_NE(refusal(named).find("no member"), std::string::npos);
    ASSERT_TRUE(store.set_membership(second.id, made_.owner.id, tenancy::role::member));
    EXPECT_EQ(who(named).workspace_id, second.id);
    EXPECT_NE(refusal(claims()).find("several workspaces"), std::string::npos);
    named.workspace = "w_made_up";
    refusal(named);
    const auto lonely = store.create_user("bob@example.com", "Bob").value();
    ASSERT_TRUE(people_->link(issuer, "bob", lonely.id));
    named = claims();
    named.subject = "bob";
    EXPECT_NE(refusal(named).find("no workspace"), std::string::npos);
}

TEST_P(sign_ins, what_the_server_says_is_passed_on) {
    const auto check = [&] {
        boost::asio::io_context io;
        std::optional<token_result> out;
        boost::asio::co_spawn(io, sign_in_->check("t"),
                              [&](std::exception_ptr, token_result r) { out = std::move(r); });
        io.run();
        return *out;
    };
    EXPECT_EQ(check()->subject, "alice");
    for (const auto code : {token_errc::invalid, token_errc::unavailable}) {
        checked_ = std::unexpected(token_error{code, "why"});
        EXPECT_EQ(check().error().code, code);
    }
}

CODEZ_ON_BOTH_DATABASES(sign_ins);

}  // namespace
}  // namespace hub::external
