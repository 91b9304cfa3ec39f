#include "hub/oauth/client_authentication.hpp"

#include <gtest/gtest.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"

namespace hub::oauth {
namespace {

std::string presented(const std::string& form, const std::string& basic = {}) {
    common::net::http_request request;
    if (!basic.empty()) request.fields.add("Authorization", "Basic " + common::crypto::base64_encode(basic));
    const auto found = find_presented_client(request, pages::parse_form(form).value());
    return found ? found->id + "|" + found->secret : std::to_string(found.error().status);
}

TEST(client_authentication, comes_in_the_form_or_in_the_field) {
    EXPECT_EQ(presented("client_id=c_1"), "c_1|");
    EXPECT_EQ(presented("client_id=c_1&client_secret=s"), "c_1|s");
    EXPECT_EQ(presented("", "c_1:s"), "c_1|s");
    EXPECT_EQ(presented("", "https%3A%2F%2Fa.example%2Fc:s%2B"), "https://a.example/c|s+");
    EXPECT_EQ(presented("client_id=c_1", "c_1:s"), "c_1|s");
}

TEST(client_authentication, in_two_ways_or_in_none_is_refused) {
    EXPECT_EQ(presented(""), "400");
    EXPECT_EQ(presented("client_id=c_2", "c_1:s"), "400");
    EXPECT_EQ(presented("client_secret=s", "c_1:s"), "400");
    EXPECT_EQ(presented("", "no colon"), "400");
    EXPECT_EQ(presented("client_id=" + std::string(3000, 'c')), "400");
}

TEST(client_authentication, a_public_client_has_no_secret_and_another_one_must_know_it) {
    client open;
    EXPECT_TRUE(proves(open, {"c", ""}));
    EXPECT_FALSE(proves(open, {"c", "s"}));
    client closed;
    closed.secret_hash = common::crypto::sha256("s");
    EXPECT_TRUE(proves(closed, {"c", "s"}));
    EXPECT_FALSE(proves(closed, {"c", ""}));
    EXPECT_FALSE(proves(closed, {"c", "t"}));
}

}  // namespace
}  // namespace hub::oauth
