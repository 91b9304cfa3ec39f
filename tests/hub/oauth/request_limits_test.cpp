#include "hub/oauth/request_limits.hpp"

#include <gtest/gtest.h>

namespace hub::oauth {
namespace {

common::net::http_request from(const std::string& address) {
    common::net::http_request request;
    request.peer_address = address;
    return request;
}

class request_limits_test : public testing::Test {
protected:
    std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
    request_limits limits_{{{}, 3}, [this] { return now_; }};
};

TEST_F(request_limits_test, registrations_are_bounded_for_an_address_and_come_back) {
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(limits_.registration(from("192.0.2.1")));
    const auto wait = limits_.registration(from("192.0.2.1"));
    ASSERT_TRUE(wait);
    EXPECT_LE(*wait, std::chrono::hours(1));
    EXPECT_FALSE(limits_.registration(from("192.0.2.2"))) << "another address";
    now_ += std::chrono::hours(1);
    EXPECT_FALSE(limits_.registration(from("192.0.2.1")));
}

TEST_F(request_limits_test, the_addresses_of_one_network_count_as_one) {
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(limits_.registration(from("2001:db8:1:2::" + std::to_string(i + 1))));
    EXPECT_TRUE(limits_.registration(from("2001:db8:1:2::ffff")));
    EXPECT_FALSE(limits_.registration(from("2001:db8:1:3::1")));
}

TEST_F(request_limits_test, user_codes_cannot_be_searched) {
    int tried = 0;
    for (int minute = 0; minute < 10; ++minute, now_ += std::chrono::minutes(1))
        for (int i = 0; i < 1000; ++i)
            if (!limits_.user_code(from("192.0.2.1"), "u_1")) ++tried;
    EXPECT_LE(tried, 20);
    EXPECT_TRUE(limits_.user_code(from("192.0.2.9"), "u_1")) << "the same person from elsewhere";
    EXPECT_FALSE(limits_.user_code(from("192.0.2.9"), "u_2"));
}

TEST_F(request_limits_test, a_right_user_code_does_not_count) {
    for (int i = 0; i < 50; ++i) {
        EXPECT_FALSE(limits_.user_code(from("192.0.2.1"), "u_1"));
        limits_.user_code_was_right(from("192.0.2.1"), "u_1");
    }
}

TEST_F(request_limits_test, ten_thousand_wrong_secrets_are_mostly_not_looked_at) {
    int judged = 0;
    for (int i = 0; i < 10'000; ++i)
        if (!limits_.wrong_secret(from("192.0.2.1"))) ++judged;
    EXPECT_LE(judged, 60);
    judged = 0;
    for (int i = 0; i < 10'000; ++i)
        if (!limits_.wrong_credential(from("192.0.2.1"))) ++judged;
    EXPECT_LE(judged, 300);
}

}  // namespace
}  // namespace hub::oauth
