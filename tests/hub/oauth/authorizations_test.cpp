// What a person allows a client, and what it comes to. On both databases.
#include "hub/oauth/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "hub/oauth/limits.hpp"
#include "tests/hub/oauth/store_fixture.hpp"

namespace hub::oauth {
namespace {

using tenancy::errc;

class kept_authorizations : public store_fixture {};

TEST_P(kept_authorizations, a_decision_becomes_tokens_for_the_workspace_and_no_more) {
    const auto pair = tokens({"sessions:read", "audit:read"});
    EXPECT_EQ(pair.scopes, (list{"sessions:read", "offline_access"})) << "audit:read was not asked for";
    EXPECT_EQ(pair.nonce, "n");
    const auto found = rows_->find_access_token(common::crypto::sha256(pair.access_token)).value();
    EXPECT_EQ(found.workspace_id, made_.first_workspace.id);
    EXPECT_EQ(found.user_id, made_.owner.id);
    EXPECT_EQ(found.audience, hub_mcp);
    EXPECT_EQ(found.role, tenancy::role::owner);
    EXPECT_EQ(found.expires_at, now_ + 3'600'000);
    EXPECT_TRUE(works(pair.access_token));
    now_ += 3'600'000;
    EXPECT_FALSE(works(pair.access_token));
}

TEST_P(kept_authorizations, a_request_is_decided_once_and_not_too_late) {
    const auto id = begin();
    const approval yes{made_.owner.id, made_.first_workspace.id, {"mcp:tools"}};
    EXPECT_TRUE(rows_->approve(id, yes));
    EXPECT_EQ(rows_->approve(id, yes).error().code, errc::not_found);
    EXPECT_EQ(rows_->deny(id, made_.owner.id).error().code, errc::not_found);
    const auto late = begin();
    now_ += limits::request_ms;
    EXPECT_EQ(rows_->approve(late, yes).error().code, errc::not_found);
    EXPECT_TRUE(rows_->deny(begin(), made_.owner.id));
}

TEST_P(kept_authorizations, nobody_allows_what_is_not_theirs) {
    tenancy::store accounts(*db_, clock());
    const auto other = accounts.create_workspace("Other").value().id;
    const auto guest = accounts.create_user("", "Guest").value().id;
    EXPECT_EQ(rows_->approve(begin(), {made_.owner.id, other, {"mcp:tools"}}).error().code, errc::not_found);
    ASSERT_TRUE(accounts.set_membership(other, guest, tenancy::role::viewer));
    EXPECT_EQ(rows_->approve(begin(), {guest, other, {"sessions:write"}}).error().code, errc::invalid);
    EXPECT_TRUE(rows_->approve(begin(), {guest, other, {"mcp:tools"}})) << "what a viewer may of it";
}

TEST_P(kept_authorizations, what_was_allowed_before_is_given_again_and_the_grant_stays_as_it_was) {
    tokens({"sessions:read", "events:read"});
    const auto before = rows_->grants_of(made_.owner.id).value().front();
    authorization_request request;
    request.client_id = client_;
    request.redirect_uri = "http://localhost:5/cb";
    request.scopes = {"sessions:read"};
    request.code_challenge = common::crypto::base64url_encode(common::crypto::sha256(verifier));
    request.audience = hub_mcp;
    const auto code = rows_->renew(request, before).value();
    EXPECT_EQ(rows_->redeem(exchange_of(code)).value().value().scopes, list{"sessions:read"});
    EXPECT_EQ(rows_->grants_of(made_.owner.id).value().front().scopes, before.scopes);
    auto stranger = before;
    stranger.workspace_id = "w_other";
    EXPECT_EQ(rows_->renew(request, stranger).error().code, errc::not_found);
}

TEST_P(kept_authorizations, a_grant_reaches_the_machines_that_were_chosen) {
    tenancy::store accounts(*db_, clock());
    tenancy::enrolment machine;
    machine.token_hash = common::crypto::sha256(made_.join.secret);
    machine.public_key = std::string(32, 'k');
    machine.name = "laptop";
    const auto id = accounts.enroll(machine).value().id;
    const auto choices = rows_->machines_of(made_.owner.id, 10).value();
    ASSERT_EQ(choices.size(), 1U);
    EXPECT_EQ(choices.front().name, "laptop");

    const auto approved = [&](const machine_set& machines) {
        return rows_->approve(begin(), {made_.owner.id, made_.first_workspace.id, {"mcp:tools"}, machines});
    };
    EXPECT_EQ(approved(list{}).error().code, errc::invalid);
    EXPECT_EQ(approved(list{id, "m_unknown"}).error().code, errc::invalid);
    const auto reaches = [&](const std::string& code) {
        const auto pair = rows_->redeem(exchange_of(code)).value().value();
        return rows_->find_access_token(common::crypto::sha256(pair.access_token)).value().machines;
    };
    EXPECT_EQ(reaches(approved(list{id}).value()), list{id});
    EXPECT_EQ(rows_->grants_of(made_.owner.id).value().front().machines, list{id});
    EXPECT_EQ(reaches(approved(std::nullopt).value()), std::nullopt);
}

TEST_P(kept_authorizations, may_be_for_all_workspaces_of_the_person) {
    tenancy::store accounts(*db_, clock());
    const auto other = accounts.create_workspace("Other").value().id;
    ASSERT_TRUE(accounts.set_membership(other, made_.owner.id, tenancy::role::viewer));
    const auto everywhere = [&](const list& scopes) {
        return rows_->redeem(exchange_of(rows_->approve(begin(), {made_.owner.id, "", scopes}).value()))
            .value()
            .value();
    };
    const auto found_by = [&](const issued_tokens& pair) {
        return rows_->find_access_token(common::crypto::sha256(pair.access_token));
    };
    const auto single = tokens({"sessions:read"});
    const auto pair = everywhere({"mcp:tools"});
    const auto found = found_by(pair).value();
    ASSERT_EQ(found.workspaces.size(), 2U);
    EXPECT_EQ(found.role, tenancy::role::owner);
    EXPECT_TRUE(found_by(single)->workspaces.empty()) << "a grant of its own";
    EXPECT_NE(found_by(single)->grant_id, found.grant_id);
    EXPECT_EQ(found_by(everywhere({"mcp:tools"}))->grant_id, found.grant_id) << "the last word, not another grant";

    const auto later = accounts.create_workspace("Later").value().id;
    ASSERT_TRUE(accounts.set_membership(later, made_.owner.id, tenancy::role::viewer));
    EXPECT_EQ(found_by(pair)->workspaces.size(), 3U);
    const auto actions_in = [&](const std::string& workspace) {
        list actions;
        for (const auto& e : accounts.list_audit(workspace, {}).value()) actions.push_back(e.action);
        return actions;
    };
    EXPECT_THAT(actions_in(other), testing::Contains("grant.allowed"));
    ASSERT_TRUE(rows_->revoke_grant(made_.owner.id, found.grant_id));
    EXPECT_THAT(actions_in(other), testing::Contains("grant.revoked"));
    EXPECT_FALSE(works(pair.access_token));
    EXPECT_TRUE(works(single.access_token));
}

CODEZ_ON_BOTH_DATABASES(kept_authorizations);

}  // namespace
}  // namespace hub::oauth
