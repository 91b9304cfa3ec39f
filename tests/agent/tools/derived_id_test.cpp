#include "agent/tools/derived_id.hpp"

#include <gtest/gtest.h>

#include "agent/tools/session_match.hpp"

namespace agent::tools::test {
namespace {

proto::principal someone(std::string client = "c") {
    proto::principal who;
    who.workspace_id = "w";
    who.user_id = "u";
    who.client_id = std::move(client);
    return who;
}

TEST(derived_id, is_the_same_uuid_for_the_same_call_and_no_other) {
    const std::string id = id_from_key(someone(), "session", "k");
    EXPECT_EQ(id, id_from_key(someone(), "session", "k"));
    ASSERT_EQ(id.size(), 36u);
    EXPECT_EQ(id[14], '8') << "its bits are a hash: RFC 9562 version 8";
    EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
    for (const std::size_t dash : {8u, 13u, 18u, 23u}) EXPECT_EQ(id[dash], '-');
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef-"), std::string::npos);
    EXPECT_NE(id, id_from_key(someone("other"), "session", "k"));
    EXPECT_NE(id, id_from_key(someone(), "prompt/s", "k"));
    EXPECT_NE(id, id_from_key(someone(), "session", "k2"));
}

TEST(derived_id, parts_do_not_run_into_each_other) {
    EXPECT_NE(id_from_key(someone(), "a", "bc"), id_from_key(someone(), "ab", "c"));
    EXPECT_NE(id_from_key(someone("c"), "x", "k"), id_from_key(someone("cx"), "", "k"));
}

TEST(derived_id, without_a_key_there_is_none) { EXPECT_EQ(id_from_key(someone(), "session", ""), ""); }

TEST(session_match, knows_both_spellings_of_a_slug) {
    EXPECT_TRUE(is_slug_of("-srv-my-app", "-srv-my-app", "/srv/my.app"));
    EXPECT_TRUE(is_slug_of("-srv-my.app", "-srv-my-app", "/srv/my.app"));
    EXPECT_FALSE(is_slug_of("-srv-other", "-srv-my-app", "/srv/my.app"));
    EXPECT_FALSE(is_slug_of("", "-srv-my-app", "/srv/my.app"));
}

}  // namespace
}  // namespace agent::tools::test
