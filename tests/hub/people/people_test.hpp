// The people of a hub on both databases: a workspace and its owner, a clock that the test turns.
#pragma once

#include "hub/people/store.hpp"
#include "tests/hub/tenancy/store_test.hpp"

namespace hub::people {

using tenancy::errc;

class people_test : public tenancy::store_test {
protected:
    void SetUp() override {
        store_test::SetUp();
        if (HasFatalFailure()) return;
        people_ = std::make_unique<store>(*db_, [this] { return now_; });
    }

    static std::string hash(const std::string& secret) { return common::crypto::sha256(secret); }
    std::string link(link_kind kind = link_kind::reset) {
        return people_->make_sign_in_link(owner_, kind, "hub").value().secret;
    }
    std::string invitation(const std::string& email, tenancy::role role = tenancy::role::member) {
        return people_->invite(workspace_, email, role, "hub").value().secret;
    }
    // The owner's session, with the password of that hash.
    new_session settled(const std::string& password_hash = "h1") {
        return people_->use_link(hash(link()), {"", "", password_hash}).value();
    }
    bool alive(const new_session& s) { return people_->find_session(hash(s.secret)).value().has_value(); }
    std::vector<std::string> noted() {
        std::vector<std::string> out;
        for (const auto& e : accounts_->list_audit(workspace_, {}).value())
            if (e.action.starts_with("person."))
                out.push_back(e.actor + " " + e.action + " " + e.subject + " " + e.result);
        return out;
    }

    std::unique_ptr<store> people_;
};

}  // namespace hub::people
