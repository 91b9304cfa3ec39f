// Machines that are let in by a person with a code. On both databases.
#include "hub/oauth/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/digest.hpp"
#include "hub/oauth/limits.hpp"
#include "tests/hub/oauth/store_fixture.hpp"

namespace hub::oauth {
namespace {

using tenancy::errc;

class kept_device_codes : public store_fixture {};

TEST_P(kept_device_codes, a_machine_that_a_person_lets_in_gets_a_join_token_for_its_key) {
    tenancy::store accounts(*db_, clock());
    const std::string key(32, 'k');
    const auto codes =
        rows_->begin_device({{}, "laptop", "Linux x86_64", tenancy::machine_id_of(key), "192.0.2.1"}).value();
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

TEST_P(kept_device_codes, a_machine_that_asks_too_often_is_told_to_wait_longer) {
    const auto codes = rows_->begin_device({{}, "laptop", "", "m_1", ""}).value();
    const auto polled = [&] { return rows_->poll_device(codes.device_code).value().error(); };
    EXPECT_EQ(polled(), device_refusal::authorization_pending);
    EXPECT_EQ(polled(), device_refusal::slow_down);
    now_ += limits::device_interval_ms;
    EXPECT_EQ(polled(), device_refusal::slow_down) << "the interval has grown";
    now_ += limits::device_interval_ms + 2 * limits::device_slow_down_ms;
    EXPECT_EQ(polled(), device_refusal::authorization_pending);
}

TEST_P(kept_device_codes, a_machine_is_not_let_in_by_those_who_may_not_nor_too_late) {
    tenancy::store accounts(*db_, clock());
    const auto member = accounts.create_user("", "Member").value().id;
    ASSERT_TRUE(accounts.set_membership(made_.first_workspace.id, member, tenancy::role::member));
    const auto codes = rows_->begin_device({{}, "laptop", "", "m_1", ""}).value();
    EXPECT_EQ(rows_->decide_device(codes.user_code, {member, made_.first_workspace.id, true}).error().code,
              errc::not_found);
    EXPECT_EQ(rows_->decide_device(codes.user_code, {made_.owner.id, "w_other", true}).error().code, errc::not_found);
    ASSERT_TRUE(rows_->decide_device(codes.user_code, {made_.owner.id, "", false}));
    EXPECT_EQ(rows_->poll_device(codes.device_code).value().error(), device_refusal::access_denied);

    const auto late = rows_->begin_device({{}, "laptop", "", "m_1", ""}).value();
    now_ += limits::device_ms;
    EXPECT_EQ(rows_->find_device(late.user_code).error().code, errc::not_found);
    EXPECT_EQ(rows_->poll_device(late.device_code).value().error(), device_refusal::expired_token);
    EXPECT_EQ(rows_->poll_device("unknown").value().error(), device_refusal::expired_token);
}

CODEZ_ON_BOTH_DATABASES(kept_device_codes);

}  // namespace
}  // namespace hub::oauth
