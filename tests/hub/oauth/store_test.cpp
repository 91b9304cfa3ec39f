// From a person's decision to tokens, and to their end; on both databases.
#include "hub/oauth/store.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "hub/oauth/limits.hpp"
#include "hub/tenancy/setup.hpp"
#include "tests/common/db/database_test.hpp"

namespace hub::oauth {
namespace {

using list = std::vector<std::string>;
using tenancy::errc;

constexpr std::string_view verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";  // RFC 7636, appendix B
constexpr std::string_view hub_mcp = "https://hub.example.com/mcp";

class oauth_store : public tests::database_test {
protected:
    void SetUp() override {
        database_test::SetUp();
        if (HasFatalFailure()) return;
        made_ = tenancy::initialise(*db_, {"Acme", "Ada", "ada@example.org"}, clock()).value();
        rows_ = std::make_unique<store>(*db_, clock());
        client fields;
        fields.name = "Editor";
        fields.redirect_uris = {"http://localhost/cb"};
        client_ = rows_->register_client(fields).value().id;
    }

    tenancy::clock_function clock() {
        return [this] { return now_.load(); };
    }

    std::string begin(const list& scopes = {"mcp:tools", "offline_access"}) {
        authorization_request request;
        request.client_id = client_;
        request.redirect_uri = "http://localhost:5/cb";
        request.scopes = scopes;
        request.code_challenge = common::crypto::base64url_encode(common::crypto::sha256(verifier));
        request.audience = hub_mcp;
        request.nonce = "n";
        return rows_->begin_authorization(request).value();
    }
    std::string allow(const list& scopes = {"mcp:tools"}) {
        return rows_->approve(begin(), {made_.owner.id, made_.first_workspace.id, scopes}).value();
    }
    code_exchange exchange_of(const std::string& code) const {
        return {code, client_, "http://localhost:5/cb", std::string(verifier), std::string(hub_mcp)};
    }
    issued_tokens tokens(const list& scopes = {"mcp:tools"}) {
        return rows_->redeem(exchange_of(allow(scopes))).value().value();
    }
    std::expected<issued_tokens, token_refusal> refresh(const std::string& token, const list& scopes = {}) {
        return rows_->refresh({token, client_, scopes, {}}).value();
    }
    // Does it give access?
    bool works(const std::string& access_token) {
        const auto found = rows_->find_access_token(common::crypto::sha256(access_token));
        return found && !found->revoked && found->expires_at > now_;
    }
    list audited() {
        tenancy::store accounts(*db_, clock());
        list actions;
        for (const auto& e : accounts.list_audit(made_.first_workspace.id, {}).value()) actions.push_back(e.action);
        return actions;
    }

    std::atomic<std::int64_t> now_ = 1'800'000'000'000;
    tenancy::setup_result made_;
    std::unique_ptr<store> rows_;
    std::string client_;
};

TEST_P(oauth_store, a_decision_becomes_tokens_for_the_workspace_and_no_more) {
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

TEST_P(oauth_store, a_request_is_decided_once_and_not_too_late) {
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

TEST_P(oauth_store, nobody_allows_what_is_not_theirs) {
    tenancy::store accounts(*db_, clock());
    const auto other = accounts.create_workspace("Other").value().id;
    const auto guest = accounts.create_user("", "Guest").value().id;
    EXPECT_EQ(rows_->approve(begin(), {made_.owner.id, other, {"mcp:tools"}}).error().code, errc::not_found);
    ASSERT_TRUE(accounts.set_membership(other, guest, tenancy::role::viewer));
    EXPECT_EQ(rows_->approve(begin(), {guest, other, {"sessions:write"}}).error().code, errc::invalid);
    EXPECT_TRUE(rows_->approve(begin(), {guest, other, {"mcp:tools"}})) << "what a viewer may of it";
}

TEST_P(oauth_store, a_code_is_for_its_client_redirect_and_verifier) {
    const auto code = allow();
    auto wrong = exchange_of(code);
    wrong.client_id = "c_other";
    EXPECT_EQ(rows_->redeem(wrong).value().error(), token_refusal::invalid_grant);
    wrong = exchange_of(code);
    wrong.redirect_uri = "http://localhost:6/cb";
    EXPECT_EQ(rows_->redeem(wrong).value().error(), token_refusal::invalid_grant);
    wrong = exchange_of(code);
    wrong.code_verifier.back() = 'X';
    EXPECT_EQ(rows_->redeem(wrong).value().error(), token_refusal::invalid_grant);
    wrong.code_verifier.clear();
    EXPECT_EQ(rows_->redeem(wrong).value().error(), token_refusal::invalid_grant);
    wrong = exchange_of(code);
    wrong.audience = "https://other.example/mcp";
    EXPECT_EQ(rows_->redeem(wrong).value().error(), token_refusal::invalid_target);
    EXPECT_TRUE(rows_->redeem(exchange_of(code)).value());
}

TEST_P(oauth_store, a_code_that_comes_twice_ends_what_came_of_it) {
    const auto code = allow();
    const auto pair = rows_->redeem(exchange_of(code)).value().value();
    EXPECT_EQ(rows_->redeem(exchange_of(code)).value().error(), token_refusal::invalid_grant);
    EXPECT_FALSE(works(pair.access_token));
    EXPECT_FALSE(refresh(pair.refresh_token));
    EXPECT_THAT(audited(), testing::Contains("grant.code_reused"));
}

TEST_P(oauth_store, a_code_is_good_for_a_minute) {
    const auto code = allow();
    now_ += limits::code_ms;
    EXPECT_EQ(rows_->redeem(exchange_of(code)).value().error(), token_refusal::invalid_grant);
}

TEST_P(oauth_store, refreshing_gives_a_new_pair_and_the_grants_scopes_of_now) {
    const auto first = tokens({"sessions:read"});
    const auto narrow = refresh(first.refresh_token, {"sessions:read"});
    ASSERT_TRUE(narrow);
    EXPECT_NE(narrow->refresh_token, first.refresh_token);
    EXPECT_EQ(refresh(narrow->refresh_token, {"events:read"}).error(), token_refusal::invalid_scope);
    tokens({"sessions:read", "events:read"});  // the person widened the grant
    const auto wide = refresh(narrow->refresh_token);
    EXPECT_EQ(wide->scopes, (list{"sessions:read", "events:read", "offline_access"}));
    EXPECT_TRUE(works(first.access_token)) << "the older token lives on for its hour";
}

TEST_P(oauth_store, parallel_processes_may_refresh_with_one_token_within_the_grace) {
    const auto first = tokens();
    list fresh;
    for (int i = 0; i <= limits::refresh_replays_max; ++i) {
        now_ += 10'000;
        const auto pair = refresh(first.refresh_token);
        ASSERT_TRUE(pair) << i;
        fresh.push_back(pair->access_token);
    }
    for (const auto& token : fresh) EXPECT_TRUE(works(token));
    EXPECT_EQ(refresh(first.refresh_token).error(), token_refusal::invalid_grant) << "too many to be one person's";
    for (const auto& token : fresh) EXPECT_FALSE(works(token));
}

TEST_P(oauth_store, a_token_replayed_after_the_grace_ends_the_family) {
    const auto first = tokens();
    const auto other = tokens();
    const auto second = refresh(first.refresh_token);
    now_ += limits::refresh_grace_ms + 1;
    EXPECT_EQ(refresh(first.refresh_token).error(), token_refusal::invalid_grant);
    EXPECT_FALSE(works(second->access_token));
    EXPECT_EQ(refresh(second->refresh_token).error(), token_refusal::invalid_grant);
    EXPECT_TRUE(works(other.access_token)) << "another sign-in of the same client";
    EXPECT_TRUE(refresh(other.refresh_token));
    EXPECT_THAT(audited(), testing::Contains("grant.refresh_reused"));
    EXPECT_EQ(rows_->list_ended_grants().value(), list{first.grant_id});
    now_ += 10'000;
    EXPECT_EQ(rows_->list_ended_grants().value(), list{});
}

TEST_P(oauth_store, two_who_race_with_one_token_after_the_grace_find_one_end) {
    for (int round = 0; round < 25; ++round) {
        const auto first = tokens();
        const auto second = refresh(first.refresh_token).value();
        now_ += limits::refresh_grace_ms + 1;
        const auto mine = connect();
        const auto theirs = connect();
        std::atomic<int> granted = 0;
        const auto race = [&](common::db::database& db) {
            store rows(db, clock());
            const auto answer = rows.refresh({first.refresh_token, client_, {}, {}});
            if (answer && *answer) ++granted;
        };
        std::thread a([&] { race(*mine); });
        std::thread b([&] { race(*theirs); });
        a.join();
        b.join();
        EXPECT_EQ(granted, 0);
        EXPECT_FALSE(works(second.access_token));
        EXPECT_FALSE(refresh(second.refresh_token));
    }
}

TEST_P(oauth_store, a_family_that_is_not_used_ends_and_so_does_an_old_one) {
    const auto idle = tokens();
    now_ += limits::refresh_idle_ms;
    EXPECT_EQ(refresh(idle.refresh_token).error(), token_refusal::invalid_grant);

    auto pair = tokens();
    const auto begun = now_.load();
    while (now_ + limits::refresh_idle_ms / 2 < begun + limits::refresh_absolute_ms) {
        now_ += limits::refresh_idle_ms / 2;
        const auto next = refresh(pair.refresh_token);
        ASSERT_TRUE(next);
        pair = *next;
    }
    now_ = begun + limits::refresh_absolute_ms;
    EXPECT_EQ(refresh(pair.refresh_token).error(), token_refusal::invalid_grant);
}

TEST_P(oauth_store, tokens_are_revoked_by_their_client_only) {
    const auto pair = tokens();
    EXPECT_TRUE(rows_->revoke_token("c_other", pair.refresh_token));
    EXPECT_TRUE(works(pair.access_token));
    EXPECT_TRUE(rows_->revoke_token(client_, "unknown"));
    EXPECT_TRUE(rows_->revoke_token(client_, pair.refresh_token));
    EXPECT_FALSE(works(pair.access_token));
    EXPECT_FALSE(refresh(pair.refresh_token));
}

TEST_P(oauth_store, a_grant_that_its_person_withdraws_ends_all_its_tokens) {
    const auto pair = tokens();
    const auto grants = rows_->grants_of(made_.owner.id).value();
    ASSERT_EQ(grants.size(), 1U);
    EXPECT_EQ(grants.front().client_name, "Editor");
    EXPECT_EQ(grants.front().redirect_host, "a program on this computer");
    EXPECT_EQ(rows_->revoke_grant("u_other", pair.grant_id).error().code, errc::not_found);
    EXPECT_TRUE(rows_->revoke_grant(made_.owner.id, pair.grant_id));
    EXPECT_FALSE(works(pair.access_token));
    EXPECT_FALSE(refresh(pair.refresh_token));
    EXPECT_EQ(rows_->grants_of(made_.owner.id).value().size(), 0U);
    now_ += 60'000;
    EXPECT_EQ(rows_->list_ended_grants().value(), list{pair.grant_id});
    EXPECT_NE(tokens().grant_id, pair.grant_id);
}

TEST_P(oauth_store, who_is_no_member_any_more_has_no_access) {
    const auto pair = tokens();
    (void)db_->transaction([](common::db::connection& c) {
        c.execute("DELETE FROM api_keys");
        c.execute("DELETE FROM memberships");
    });
    EXPECT_FALSE(works(pair.access_token));
    EXPECT_EQ(refresh(pair.refresh_token).error(), token_refusal::invalid_grant);
}

TEST_P(oauth_store, knows_the_client_that_the_operator_need_not_make) {
    EXPECT_EQ(rows_->find_client("codez-mcp").value().kind, client_kind::known);
    EXPECT_EQ(rows_->find_client("c_unknown").error().code, errc::not_found);
}

TEST_P(oauth_store, keeps_documents_as_they_are_now) {
    client document;
    document.id = "https://a.example/client.json";
    document.kind = client_kind::document;
    document.name = "A";
    document.redirect_uris = {"https://a.example/cb"};
    EXPECT_TRUE(rows_->keep_document(document));
    document.name = "B";
    EXPECT_TRUE(rows_->keep_document(document));
    EXPECT_EQ(rows_->find_client(document.id).value().name, "B");
}

TEST_P(oauth_store, has_room_for_so_many_clients_that_nobody_uses) {
    client fields;
    fields.redirect_uris = {"https://a.example/cb"};
    (void)db_->transaction([&](common::db::connection& c) {
        for (int i = 0; i < limits::clients_unused_max; ++i)
            c.execute("INSERT INTO oauth_clients (id, kind, name, redirect_uris, auth_method, created_at) VALUES "
                      "(CAST(:id AS TEXT), 'registered', '', '[]', 'none', CAST(:now AS INTEGER))",
                      {{"id", "c_" + std::to_string(i)}, {"now", now_.load()}});
    });
    EXPECT_EQ(rows_->register_client(fields).error().code, errc::unavailable);
    now_ += limits::client_unused_ms;
    EXPECT_TRUE(rows_->prune());
    EXPECT_TRUE(rows_->register_client(fields));
}

TEST_P(oauth_store, forgets_what_is_over) {
    const auto pair = tokens();
    begin();
    allow();
    now_ += limits::refresh_idle_ms + limits::hour_ms;
    ASSERT_TRUE(rows_->prune());
    const auto left = db_->transaction([](common::db::connection& c) {
        std::int64_t n = 0;
        for (const char* table : {"authorization_requests", "authorization_codes", "access_tokens", "refresh_tokens", "token_families"})
            n += c.query(std::string("SELECT count(*) AS n FROM ") + table).front().integer("n");
        return n;
    });
    EXPECT_EQ(left.value(), 0);
    EXPECT_TRUE(rows_->find_client("codez-mcp")) << "the known ones stay";
    EXPECT_TRUE(rows_->find_client(client_)) << "a grant names it";
}

TEST_P(oauth_store, a_machine_that_a_person_lets_in_gets_a_join_token_for_its_key) {
    tenancy::store accounts(*db_, clock());
    const std::string key(32, 'k');
    const auto codes = rows_->begin_device({{}, "laptop", "Linux x86_64", tenancy::machine_id_of(key), "192.0.2.1"}).value();
    EXPECT_EQ(codes.user_code.size(), user_code_letters);
    EXPECT_EQ(rows_->find_device(codes.user_code).value().machine_name, "laptop");
    EXPECT_EQ(rows_->poll_device(codes.device_code).value().error(), device_refusal::authorization_pending);
    ASSERT_TRUE(rows_->decide_device(codes.user_code, {made_.owner.id, made_.first_workspace.id, true}));
    EXPECT_EQ(rows_->find_device(codes.user_code).error().code, errc::not_found) << "decided already";
    const auto token = rows_->poll_device(codes.device_code).value().value().join_token;
    EXPECT_EQ(rows_->poll_device(codes.device_code).value().error(), device_refusal::expired_token) << "once";

    tenancy::enrolment machine;
    machine.token_hash = common::crypto::sha256(token);
    machine.public_key = std::string(32, 'x');
    machine.fields = {"0.1.0", "linux", "x86_64", "host"};
    EXPECT_EQ(accounts.enroll(machine).error().code, errc::token_unknown) << "another machine's key";
    machine.public_key = key;
    EXPECT_EQ(accounts.enroll(machine).value().name, "laptop");
    EXPECT_THAT(audited(), testing::Contains("machine.allowed"));
}

TEST_P(oauth_store, a_machine_that_asks_too_often_is_told_to_wait_longer) {
    const auto codes = rows_->begin_device({{}, "laptop", "", "m_1", ""}).value();
    const auto polled = [&] { return rows_->poll_device(codes.device_code).value().error(); };
    EXPECT_EQ(polled(), device_refusal::authorization_pending);
    EXPECT_EQ(polled(), device_refusal::slow_down);
    now_ += limits::device_interval_ms;
    EXPECT_EQ(polled(), device_refusal::slow_down) << "the interval has grown";
    now_ += limits::device_interval_ms + 2 * limits::device_slow_down_ms;
    EXPECT_EQ(polled(), device_refusal::authorization_pending);
}

TEST_P(oauth_store, a_machine_is_not_let_in_by_those_who_may_not_nor_too_late) {
    tenancy::store accounts(*db_, clock());
    const auto member = accounts.create_user("", "Member").value().id;
    ASSERT_TRUE(accounts.set_membership(made_.first_workspace.id, member, tenancy::role::member));
    const auto codes = rows_->begin_device({{}, "laptop", "", "m_1", ""}).value();
    EXPECT_EQ(rows_->decide_device(codes.user_code, {member, made_.first_workspace.id, true}).error().code, errc::not_found);
    EXPECT_EQ(rows_->decide_device(codes.user_code, {made_.owner.id, "w_other", true}).error().code, errc::not_found);
    ASSERT_TRUE(rows_->decide_device(codes.user_code, {made_.owner.id, "", false}));
    EXPECT_EQ(rows_->poll_device(codes.device_code).value().error(), device_refusal::access_denied);

    const auto late = rows_->begin_device({{}, "laptop", "", "m_1", ""}).value();
    now_ += limits::device_ms;
    EXPECT_EQ(rows_->find_device(late.user_code).error().code, errc::not_found);
    EXPECT_EQ(rows_->poll_device(late.device_code).value().error(), device_refusal::expired_token);
    EXPECT_EQ(rows_->poll_device("unknown").value().error(), device_refusal::expired_token);
}

TEST_P(oauth_store, another_resource_gets_tokens_of_its_own_in_its_workspace) {
    tenancy::store accounts(*db_, clock());
    constexpr std::string_view wiki = "https://wiki.example.com/mcp";
    const auto made = rows_->add_resource(made_.first_workspace.id, "user:x", "Wiki", wiki).value();
    EXPECT_EQ(rows_->add_resource(made_.first_workspace.id, "user:x", "Other", wiki).error().code, errc::already_exists);
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
    const auto code = rows_->approve(begin_for_wiki(), {made_.owner.id, made_.first_workspace.id, {"mcp:tools"}}).value();
    auto exchange = exchange_of(code);
    EXPECT_EQ(rows_->redeem(exchange).value().error(), token_refusal::invalid_target) << "the hub's own was asked for";
    exchange.audience = wiki;
    const auto pair = rows_->redeem(exchange).value().value();
    EXPECT_EQ(rows_->find_access_token(common::crypto::sha256(pair.access_token)).value().audience, wiki);
}

TEST_P(oauth_store, a_grant_reaches_the_machines_that_were_chosen) {
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

CODEZ_ON_BOTH_DATABASES(oauth_store);

}  // namespace
}  // namespace hub::oauth
