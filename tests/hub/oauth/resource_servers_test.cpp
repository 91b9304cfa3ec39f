// Other resource servers of a workspace. On both databases.
#include "hub/oauth/store.hpp"

#include <gtest/gtest.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "tests/hub/oauth/store_fixture.hpp"

namespace hub::oauth {
namespace {

using tenancy::errc;

class kept_resources : public store_fixture {};

TEST_P(kept_resources, another_resource_gets_tokens_of_its_own_in_its_workspace) {
    tenancy::store accounts(*db_, clock());
    constexpr std::string_view wiki = "https://wiki.example.com/mcp";
    const auto made = rows_->add_resource(made_.first_workspace.id, "user:x", "Wiki", wiki).value();
    EXPECT_EQ(rows_->add_resource(made_.first_workspace.id, "user:x", "Other", wiki).error().code,
              errc::already_exists);
    EXPECT_EQ(rows_->find_resource_by_url(wiki).value().id, made.server.id);
    EXPECT_EQ(rows_->find_client(made.server.id).value().secret_hash, common::crypto::sha256(made.secret));
    EXPECT_EQ(rows_->list_resources(made_.first_workspace.id).value().size(), 1U);

    const auto other = accounts.create_workspace("Other").value().id;
    ASSERT_TRUE(accounts.set_membership(other, made_.owner.id, tenancy::role::owner));
    EXPECT_EQ(rows_->list_resources(other).value().size(), 0U);
    const auto begin_for_wiki = [&] {
        authorization_request request;
        request.client_id = client_;
        request.redirect_uri = "http://localhost:5/cb";
        request.scopes = {"mcp:tools"};
        request.code_challenge = common::crypto::base64url_encode(common::crypto::sha256(verifier));
        request.audience = wiki;
        return rows_->begin_authorization(request).value();
    };
    EXPECT_EQ(rows_->approve(begin_for_wiki(), {made_.owner.id, other, {"mcp:tools"}}).error().code, errc::not_found);
    const auto code =
        rows_->approve(begin_for_wiki(), {made_.owner.id, made_.first_workspace.id, {"mcp:tools"}}).value();
    auto exchange = exchange_of(code);
    EXPECT_EQ(rows_->redeem(exchange).value().error(), token_refusal::invalid_target) << "the hub's own was asked for";
    exchange.audience = wiki;
    const auto pair = rows_->redeem(exchange).value().value();
    EXPECT_EQ(rows_->find_access_token(common::crypto::sha256(pair.access_token)).value().audience, wiki);
}

CODEZ_ON_BOTH_DATABASES(kept_resources);

}  // namespace
}  // namespace hub::oauth
