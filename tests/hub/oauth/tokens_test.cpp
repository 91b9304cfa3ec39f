// From codes to tokens, and to their end. On both databases.
#include "hub/oauth/store.hpp"

#include <atomic>
#include <barrier>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/oauth/limits.hpp"
#include "tests/hub/oauth/store_fixture.hpp"

namespace hub::oauth {
namespace {

using tenancy::errc;

class kept_tokens : public store_fixture {};

TEST_P(kept_tokens, a_code_is_for_its_client_redirect_and_verifier) {
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

TEST_P(kept_tokens, a_code_that_comes_twice_ends_what_came_of_it) {
    const auto code = allow();
    const auto pair = rows_->redeem(exchange_of(code)).value().value();
    EXPECT_EQ(rows_->redeem(exchange_of(code)).value().error(), token_refusal::invalid_grant);
    EXPECT_FALSE(works(pair.access_token));
    EXPECT_FALSE(refresh(pair.refresh_token));
    EXPECT_THAT(audited(), testing::Contains("grant.code_reused"));
}

TEST_P(kept_tokens, a_code_is_good_for_a_minute) {
    const auto code = allow();
    now_ += limits::code_ms;
    EXPECT_EQ(rows_->redeem(exchange_of(code)).value().error(), token_refusal::invalid_grant);
}

TEST_P(kept_tokens, refreshing_gives_a_new_pair_and_the_grants_scopes_of_now) {
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

TEST_P(kept_tokens, parallel_processes_may_refresh_with_one_token_within_the_grace) {
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

TEST_P(kept_tokens, a_token_replayed_after_the_grace_ends_the_family) {
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

TEST_P(kept_tokens, two_thieves_race_a_thousand_times_and_find_one_end) {
    constexpr int rounds = 1000;
    std::string stolen;
    std::atomic<int> given = 0;
    std::barrier together(3);
    const auto thief = [&] {
        const auto own_way = connect();
        store rows(*own_way, clock());
        for (int race = 0; race < 2 * rounds; ++race) {
            together.arrive_and_wait();
            const auto answer = rows.refresh({stolen, client_, {}, {}});
            if (answer && *answer) ++given;
            together.arrive_and_wait();
        }
    };
    const auto race = [&] {
        given = 0;
        together.arrive_and_wait();
        together.arrive_and_wait();
        return given.load();
    };
    std::jthread one(thief);
    std::jthread other(thief);
    for (int round = 0; round < rounds; ++round) {
        const auto first = tokens();
        stolen = first.refresh_token;
        EXPECT_EQ(race(), 2) << "within the grace";
        now_ += limits::refresh_grace_ms + 1;
        EXPECT_EQ(race(), 0) << "after it";
        EXPECT_FALSE(works(first.access_token));
    }
    const auto count = [this](const char* what) {
        return db_
            ->transaction([what](common::db::connection& c) {
                return c.query(std::string("SELECT count(*) AS n FROM ") + what).front().integer("n");
            })
            .value();
    };
    EXPECT_EQ(count("token_families"), rounds);
    EXPECT_EQ(count("token_families WHERE revoked_at IS NULL"), 0);
    EXPECT_EQ(count("audit WHERE action = 'grant.refresh_reused'"), rounds) << "each family ended once";
}

TEST_P(kept_tokens, a_family_that_is_not_used_ends_and_so_does_an_old_one) {
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

TEST_P(kept_tokens, tokens_are_revoked_by_their_client_only) {
    const auto pair = tokens();
    EXPECT_TRUE(rows_->revoke_token("c_other", pair.refresh_token));
    EXPECT_TRUE(works(pair.access_token));
    EXPECT_TRUE(rows_->revoke_token(client_, "unknown"));
    EXPECT_TRUE(rows_->revoke_token(client_, pair.refresh_token));
    EXPECT_FALSE(works(pair.access_token));
    EXPECT_FALSE(refresh(pair.refresh_token));
}

TEST_P(kept_tokens, a_grant_that_its_person_withdraws_ends_all_its_tokens) {
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

TEST_P(kept_tokens, who_is_no_member_any_more_has_no_access) {
    const auto pair = tokens();
    (void)db_->transaction([](common::db::connection& c) {
        c.execute("DELETE FROM api_keys");
        c.execute("DELETE FROM memberships");
    });
    EXPECT_FALSE(works(pair.access_token));
    EXPECT_EQ(refresh(pair.refresh_token).error(), token_refusal::invalid_grant);
}

TEST_P(kept_tokens, forgets_what_is_over) {
    const auto pair = tokens();
    begin();
    allow();
    now_ += limits::refresh_idle_ms + limits::hour_ms;
    ASSERT_TRUE(rows_->prune());
    const auto left = db_->transaction([](common::db::connection& c) {
        std::int64_t n = 0;
        for (const char* table :
             {"authorization_requests", "authorization_codes", "access_tokens", "refresh_tokens", "token_families"})
            n += c.query(std::string("SELECT count(*) AS n FROM ") + table).front().integer("n");
        return n;
    });
    EXPECT_EQ(left.value(), 0);
    EXPECT_TRUE(rows_->find_client("codez-mcp")) << "the known ones stay";
    EXPECT_TRUE(rows_->find_client(client_)) << "a grant names it";
}

CODEZ_ON_BOTH_DATABASES(kept_tokens);

}  // namespace
}  // namespace hub::oauth
