// Workspaces, users, API keys, audit.
#include "tests/hub/tenancy/store_test.hpp"

#include <gmock/gmock.h>

namespace hub::tenancy {
namespace {

using testing::ElementsAre;

class accounts : public store_test {
protected:
    api_key_options key_options() const {
        api_key_options options;
        options.workspace_id = workspace_;
        options.user_id = owner_;
        options.name = "laptop";
        options.scopes = {"mcp:tools", "machines:admin"};
        return options;
    }
    void record(const audit_entry& entry) { ASSERT_TRUE(accounts_->record_audit({&entry, 1})); }
    auto find(const std::string& secret) { return accounts_->find_api_key(common::crypto::sha256(secret)); }
};

TEST_P(accounts, workspaces_are_listed_in_order_of_making) {
    ++now_;
    const auto second = accounts_->create_workspace("Zweite Ünït");
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->id.starts_with("w_"));
    const auto all = accounts_->list_workspaces().value();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].name, "Acme");
    EXPECT_EQ(all[1].name, "Zweite Ünït");
    EXPECT_EQ(all[1].created_at, now_);
}

TEST_P(accounts, names_that_are_no_names_are_refused) {
    for (const std::string name : {"", " x", "a\nb", "\xff"}) {
        EXPECT_EQ(accounts_->create_workspace(name).error().code, errc::invalid);
        EXPECT_EQ(accounts_->create_user("", name).error().code, errc::invalid);
    }
    EXPECT_EQ(accounts_->create_workspace(std::string(129, 'x')).error().code, errc::invalid);
}

TEST_P(accounts, an_email_address_belongs_to_one_user_whatever_the_case) {
    const auto again = accounts_->create_user("ADA@example.org", "Ada 2");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, errc::already_exists);
    EXPECT_TRUE(accounts_->create_user("", "no address"));
    EXPECT_TRUE(accounts_->create_user("", "none either"));
}

TEST_P(accounts, the_owner_is_found_and_roles_change) {
    EXPECT_EQ(accounts_->find_owner(workspace_)->id, owner_);
    ASSERT_TRUE(accounts_->set_membership(workspace_, owner_, role::viewer));
    EXPECT_EQ(accounts_->find_owner(workspace_).error().code, errc::not_found);
    EXPECT_EQ(accounts_->find_owner("w_absent").error().code, errc::not_found);
    EXPECT_EQ(accounts_->set_membership("w_absent", owner_, role::viewer).error().code, errc::not_found);
    EXPECT_EQ(accounts_->set_membership(workspace_, "u_absent", role::viewer).error().code, errc::not_found);
}

TEST_P(accounts, an_api_key_is_found_by_its_hash_only) {
    const auto made = accounts_->create_api_key(key_options());
    ASSERT_TRUE(made);
    EXPECT_TRUE(made->id.starts_with("k_"));
    EXPECT_TRUE(made->secret.starts_with("czk_"));
    EXPECT_EQ(made->secret.size(), 44U);
    const auto grant = find(made->secret);
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->key.id, made->id);
    EXPECT_EQ(grant->key.workspace_id, workspace_);
    EXPECT_EQ(grant->key.user_id, owner_);
    EXPECT_THAT(grant->key.scopes, ElementsAre("mcp:tools", "machines:admin"));
    EXPECT_EQ(grant->user_name, "Ada");
    EXPECT_EQ(grant->role, role::owner);
    EXPECT_EQ(find(made->secret + "x").error().code, errc::not_found);
    EXPECT_EQ(accounts_->find_api_key("").error().code, errc::not_found);
}

TEST_P(accounts, the_secrets_are_nowhere_in_the_database) {
    const auto key = accounts_->create_api_key(key_options()).value();
    const auto token = join_token(workspace_);
    ASSERT_TRUE(accounts_->enroll(request(token, 'a')));
    const auto everything = db_->transaction([](common::db::connection& c) {
        std::string all;
        for (const auto& r : c.query("SELECT id, name, scopes, hash FROM api_keys"))
            all += r.text("id") + r.text("name") + r.text("scopes") + r.bytes("hash");
        for (const auto& r : c.query("SELECT hash, machine_name, used_by FROM join_tokens"))
            all += r.bytes("hash") + r.text("machine_name") + r.text("used_by");
        for (const auto& r : c.query("SELECT actor, action, subject, result FROM audit"))
            all += r.text("actor") + r.text("action") + r.text("subject") + r.text("result");
        return all;
    });
    ASSERT_TRUE(everything);
    EXPECT_NE(everything->find(common::crypto::sha256(key.secret)), std::string::npos);
    EXPECT_NE(everything->find(common::crypto::sha256(token)), std::string::npos);
    EXPECT_EQ(everything->find(key.secret.substr(4)), std::string::npos);
    EXPECT_EQ(everything->find(token.substr(4)), std::string::npos);
}

TEST_P(accounts, bad_key_options_are_refused) {
    auto options = key_options();
    options.scopes.clear();
    EXPECT_EQ(accounts_->create_api_key(options).error().code, errc::invalid);
    options.scopes = {"two words"};
    EXPECT_EQ(accounts_->create_api_key(options).error().code, errc::invalid);
    options = key_options();
    options.name = "";
    EXPECT_EQ(accounts_->create_api_key(options).error().code, errc::invalid);
    options = key_options();
    options.expires_at = now_;
    EXPECT_EQ(accounts_->create_api_key(options).error().code, errc::invalid);
    options = key_options();
    options.workspace_id = accounts_->create_workspace("Foreign")->id;
    EXPECT_EQ(accounts_->create_api_key(options).error().code, errc::not_found);
}

TEST_P(accounts, use_is_noted_once_a_minute) {
    const auto made = accounts_->create_api_key(key_options()).value();
    const auto last_used = [&] { return accounts_->list_api_keys(workspace_)->front().last_used_at; };
    EXPECT_EQ(last_used(), std::nullopt);
    (void)find(made.secret);
    EXPECT_EQ(last_used(), start);
    now_ += 59'999;
    (void)find(made.secret);
    EXPECT_EQ(last_used(), start);
    now_ += 1;
    (void)find(made.secret);
    EXPECT_EQ(last_used(), now_);
}

TEST_P(accounts, a_key_is_found_also_where_its_use_cannot_be_noted) {
    const auto made = accounts_->create_api_key(key_options()).value();
    ASSERT_TRUE(db_->transaction([](common::db::connection& c) {
        c.execute(c.is_postgres()
                      ? "ALTER TABLE api_keys ADD CONSTRAINT unused CHECK (last_used_at IS NULL)"
                      : "CREATE TRIGGER unused BEFORE UPDATE ON api_keys BEGIN SELECT RAISE(ABORT, 'x'); END");
    }));
    EXPECT_TRUE(find(made.secret));
    EXPECT_EQ(accounts_->list_api_keys(workspace_)->front().last_used_at, std::nullopt);
}

TEST_P(accounts, a_revoked_key_says_so_and_only_its_workspace_can_revoke_it) {
    const auto made = accounts_->create_api_key(key_options()).value();
    const auto other = other_workspace();
    EXPECT_EQ(accounts_->revoke_api_key(other, made.id, "user:x").error().code, errc::not_found);
    EXPECT_EQ(find(made.secret)->key.revoked_at, std::nullopt);
    EXPECT_TRUE(accounts_->revoke_api_key(workspace_, made.id, "user:" + owner_));
    EXPECT_EQ(find(made.secret)->key.revoked_at, now_);
    ++now_;
    EXPECT_TRUE(accounts_->revoke_api_key(workspace_, made.id, "user:" + owner_));
    EXPECT_EQ(find(made.secret)->key.revoked_at, start);
    EXPECT_THAT(audited(workspace_), ElementsAre("api_key.revoked ok", "api_key.created ok"));
    EXPECT_TRUE(accounts_->list_api_keys(other)->empty());
}

TEST_P(accounts, the_audit_is_paged_newest_first_and_takes_ids_only) {
    for (int i = 0; i < 5; ++i)
        record({.workspace_id = workspace_,
                .actor = "hub",
                .action = "a" + std::to_string(i),
                .subject = "s",
                .result = "ok"});
    const auto first = accounts_->list_audit(workspace_, {.limit = 2}).value();
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(first[0].action, "a4");
    EXPECT_EQ(first[1].action, "a3");
    EXPECT_EQ(first[0].at, start);
    EXPECT_EQ(accounts_->list_audit(workspace_, {.before = first[1].id, .limit = 2})->front().action, "a2");
    EXPECT_TRUE(accounts_->list_audit("w_other", {})->empty());
    EXPECT_EQ(accounts_->list_audit(workspace_, {.limit = -5})->size(), 1U);
    for (const auto& bad : {std::string(257, 'x'), std::string("two\nlines")}) {
        std::vector<audit_entry> entries(2);
        entries[0].workspace_id = workspace_;
        entries[1].rule = bad;
        EXPECT_EQ(accounts_->record_audit(entries).error().code, errc::invalid);
    }
    EXPECT_EQ(accounts_->list_audit(workspace_, {})->size(), 5U) << "all or none";
}

TEST_P(accounts, calls_are_found_by_time_machine_and_refusal) {
    const auto call = [&](std::int64_t at, const char* machine, const char* result, const char* rule = "") {
        record({.at = at,
                .workspace_id = workspace_,
                .actor = "user:u_1/k_1",
                .action = "call.send_prompt",
                .subject = "",
                .result = result,
                .machine_id = machine,
                .session_id = "s_1",
                .arguments_hash = "ab12",
                .rule = rule});
    };
    call(start - 50, "m_1", "ok");
    call(start - 40, "m_2", "policy_denied", "roots");
    call(start - 30, "m_1", "permission_denied");
    record({.at = start - 20,
            .workspace_id = workspace_,
            .actor = "user:u",
            .action = "machine.revoked",
            .subject = "m_1",
            .result = "ok"});
    const auto times = [&](const audit_query& query) {
        std::vector<std::int64_t> out;
        for (const auto& e : accounts_->list_audit(workspace_, query).value()) out.push_back(start - e.at);
        return out;
    };
    EXPECT_THAT(times({}), ElementsAre(20, 30, 40, 50));
    EXPECT_THAT(times({.since = start - 40}), ElementsAre(20, 30, 40));
    EXPECT_THAT(times({.machine_id = "m_1"}), ElementsAre(20, 30, 50));
    EXPECT_THAT(times({.refused = true}), ElementsAre(30, 40));
    EXPECT_THAT(times({.limit = 1, .machine_id = "m_2", .refused = true}), ElementsAre(40));
    const auto refused = accounts_->list_audit(workspace_, {.machine_id = "m_2"})->front();
    EXPECT_EQ(refused.rule, "roots");
    EXPECT_EQ(refused.session_id, "s_1");
    EXPECT_EQ(refused.arguments_hash, "ab12");

    EXPECT_EQ(accounts_->prune_audit(start - 30).value(), false);
    EXPECT_THAT(times({}), ElementsAre(20, 30));
}

TEST_P(accounts, an_audit_of_any_length_is_pruned_in_steps) {
    std::vector<audit_entry> many(5001);
    for (auto& e : many)
        e = {.at = 1, .workspace_id = workspace_, .actor = "hub", .action = "a", .subject = "", .result = "ok"};
    ASSERT_TRUE(accounts_->record_audit(many));
    EXPECT_EQ(accounts_->prune_audit(2).value(), true);
    EXPECT_EQ(accounts_->prune_audit(2).value(), false);
    EXPECT_TRUE(accounts_->list_audit(workspace_, {})->empty());
}

CODEZ_ON_BOTH_DATABASES(accounts);

}  // namespace
}  // namespace hub::tenancy
