// A hub's store on both databases, with one workspace and its owner, and a clock that the test turns.
#pragma once

#include <string>

#include "common/crypto/digest.hpp"
#include "hub/tenancy/store.hpp"
#include "tests/common/db/database_test.hpp"

namespace hub::tenancy {

class store_test : public tests::database_test {
protected:
    static constexpr std::int64_t start = 1'800'000'000'000;

    void SetUp() override {
        database_test::SetUp();
        if (HasFatalFailure()) return;
        accounts_ = std::make_unique<store>(*db_, [this] { return now_; });
        const auto migrated = accounts_->migrate();
        ASSERT_TRUE(migrated) << migrated.error().message << migrated.error().log_text;
        workspace_ = accounts_->create_workspace("Acme").value().id;
        owner_ = accounts_->create_user("ada@example.org", "Ada").value().id;
        ASSERT_TRUE(accounts_->set_membership(workspace_, owner_, role::owner));
    }

    // Another tenant, by id.
    std::string other_workspace() {
        const auto made = accounts_->create_workspace("Other").value().id;
        EXPECT_TRUE(accounts_->set_membership(made, owner_, role::owner));
        return made;
    }

    std::string join_token(const std::string& workspace, const std::string& machine_name = {}) {
        join_token_options options;
        options.workspace_id = workspace;
        options.created_by = owner_;
        options.machine_name = machine_name;
        return accounts_->create_join_token(options).value().secret;
    }

    static enrolment request(const std::string& token, char key, const std::string& name = {}) {
        enrolment e;
        e.token_hash = common::crypto::sha256(token);
        e.public_key = std::string(32, key);
        e.name = name;
        e.fields = {"0.1.0", "linux", "x86_64", "host-" + std::string(1, key)};
        return e;
    }

    machine enrolled(char key, const std::string& name = {}) {
        return accounts_->enroll(request(join_token(workspace_), key, name)).value();
    }

    std::vector<std::string> audited(const std::string& workspace) {
        std::vector<std::string> out;
        for (const auto& e : accounts_->list_audit(workspace, {}).value()) out.push_back(e.action + " " + e.result);
        return out;
    }

    std::int64_t now_ = start;
    std::unique_ptr<store> accounts_;
    std::string workspace_;
    std::string owner_;
};

}  // namespace hub::tenancy
