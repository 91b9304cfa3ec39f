#include "hub/external/identities.hpp"

#include <gmock/gmock.h>

#include "hub/tenancy/setup.hpp"
#include "tests/common/db/database_test.hpp"

namespace hub::external {
namespace {

constexpr std::string_view issuer = "https://as.example";

class identities_of : public tests::database_test {
protected:
    void SetUp() override {
        database_test::SetUp();
        if (HasFatalFailure()) return;
        tenancy::setup_options options;
        options.workspace_name = "Acme";
        options.owner_name = "Ada";
        made_ = tenancy::initialise(*db_, options, [this] { return now_; }).value();
    }

    std::int64_t now_ = 1'800'000'000'000;
    tenancy::setup_result made_;
};

TEST_P(identities_of, a_subject_is_a_user_with_workspaces) {
    identities all(*db_, [this] { return now_; });
    EXPECT_EQ(all.find(issuer, "alice").error().code, tenancy::errc::not_found);
    const auto id = all.link(issuer, "alice", made_.owner.id);
    ASSERT_TRUE(id) << id.error().message;
    const auto found = all.find(issuer, "alice");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->identity_id, *id);
    EXPECT_TRUE(id->starts_with("x_"));
    EXPECT_EQ(found->user_id, made_.owner.id);
    EXPECT_EQ(found->name, "Ada");
    ASSERT_EQ(found->workspaces.size(), 1U);
    EXPECT_EQ(found->workspaces.front().workspace_id, made_.first_workspace.id);
    EXPECT_EQ(found->workspaces.front().role, tenancy::role::owner);
}

TEST_P(identities_of, issuer_and_subject_count_byte_by_byte) {
    identities all(*db_);
    ASSERT_TRUE(all.link(issuer, "alice", made_.owner.id));
    for (const auto* other : {"Alice", "alice ", "ALICE", "alic", "alice'--"})
        EXPECT_FALSE(all.find(issuer, other)) << other;
    for (const auto* other : {"https://as.example/", "https://AS.example", "http://as.example", ""})
        EXPECT_FALSE(all.find(other, "alice")) << other;
}

TEST_P(identities_of, a_subject_is_linked_once_and_a_user_as_often_as_wanted) {
    identities all(*db_);
    const auto bob = tenancy::store(*db_).create_user("bob@example.com", "Bob").value();
    ASSERT_TRUE(all.link(issuer, "alice", made_.owner.id));
    EXPECT_EQ(all.link(issuer, "alice", bob.id).error().code, tenancy::errc::already_exists);
    EXPECT_TRUE(all.link(issuer, "alice-2", made_.owner.id));
    EXPECT_TRUE(all.link("https://other.example", "alice", bob.id));
    EXPECT_EQ(all.find(issuer, "alice")->user_id, made_.owner.id);
    EXPECT_TRUE(all.find("https://other.example", "alice")->workspaces.empty());
}

TEST_P(identities_of, what_is_no_identity_is_refused) {
    identities all(*db_);
    EXPECT_EQ(all.link(issuer, "alice", "u_nobody").error().code, tenancy::errc::not_found);
    for (const std::string& subject : {std::string(), std::string(256, 'x'), std::string("a\nb"), std::string("\xff")})
        EXPECT_EQ(all.link(issuer, subject, made_.owner.id).error().code, tenancy::errc::invalid);
    EXPECT_EQ(all.link("", "alice", made_.owner.id).error().code, tenancy::errc::invalid);
}

TEST_P(identities_of, a_link_ends_and_can_be_made_anew) {
    identities all(*db_, [this] { return now_; });
    const auto first = all.link(issuer, "alice", made_.owner.id).value();
    EXPECT_THAT(all.list_ended(0).value(), testing::IsEmpty());
    ASSERT_TRUE(all.unlink(issuer, "alice"));
    EXPECT_FALSE(all.find(issuer, "alice"));
    EXPECT_FALSE(all.unlink(issuer, "alice"));
    EXPECT_THAT(all.list_ended(now_ - 1).value(), testing::ElementsAre(first));
    EXPECT_THAT(all.list_ended(now_).value(), testing::IsEmpty());
    const auto second = all.link(issuer, "alice", made_.owner.id);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_NE(*second, first);
    EXPECT_EQ(all.find(issuer, "alice")->identity_id, *second);
}

TEST_P(identities_of, changes_are_audited) {
    identities all(*db_);
    ASSERT_TRUE(all.link(issuer, "alice", made_.owner.id));
    ASSERT_TRUE(all.unlink(issuer, "alice"));
    const auto audit = tenancy::store(*db_).list_audit("", {}).value();
    ASSERT_GE(audit.size(), 2U);
    EXPECT_EQ(audit[0].action, "identity.unlinked");
    EXPECT_EQ(audit[1].action, "identity.linked");
    EXPECT_TRUE(audit[1].subject.starts_with(made_.owner.id + "/x_"));
}

CODEZ_ON_BOTH_DATABASES(identities_of);

}  // namespace
}  // namespace hub::external
