#include "agent/direct/api_keys.hpp"

#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "common/crypto/secret.hpp"
#include "tests/agent/direct/keys_directory.hpp"

namespace agent::direct {
namespace {

constexpr std::int64_t now = 1'800'000'000'000;
constexpr std::int64_t day_ms = 24LL * 3600 * 1000;

using api_keys = test::keys_directory;

TEST_F(api_keys, are_good_until_they_expire_or_are_revoked) {
    live_keys live(file_);
    EXPECT_FALSE(live.has_any(now));
    const auto made = add_key(file_, {"laptop", {}, 90}, now).value();
    EXPECT_TRUE(common::crypto::looks_like("czk_", made.secret)) << made.secret;

    const auto* found = live.find(made.secret, now);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->id, made.key.id);
    EXPECT_EQ(found->scopes, std::vector<std::string>{"mcp:tools"});
    EXPECT_EQ(live.find(made.secret, now + 90 * day_ms), nullptr);
    EXPECT_FALSE(live.has_any(now + 90 * day_ms));
    EXPECT_EQ(live.find(common::crypto::new_secret("czk_"), now), nullptr);
    EXPECT_EQ(live.find("", now), nullptr);

    const auto other = add_key(file_, {"phone", {"sessions:read", "events:read"}, 1}, now).value();
    EXPECT_TRUE(revoke_key(file_, made.key.id));
    EXPECT_EQ(live.find(made.secret, now), nullptr);
    EXPECT_FALSE(live.is_good(made.key.id, now));
    EXPECT_TRUE(live.is_good(other.key.id, now));
    EXPECT_FALSE(revoke_key(file_, made.key.id));
}

TEST_F(api_keys, stand_hashed_in_a_private_file) {
    const auto made = add_key(file_, {"laptop", {}, 90}, now).value();
    struct stat is{};
    ASSERT_EQ(::stat(file_.c_str(), &is), 0);
    EXPECT_EQ(is.st_mode & 0777, 0600U);
    std::stringstream text;
    text << std::ifstream(file_).rdbuf();
    EXPECT_EQ(text.str().find(made.secret), std::string::npos);
    EXPECT_EQ(text.str().find(made.secret.substr(4, 43)), std::string::npos);
}

TEST_F(api_keys, need_a_name_and_scopes_that_there_are) {
    EXPECT_FALSE(add_key(file_, {"", {}, 90}, now));
    EXPECT_FALSE(add_key(file_, {"a\nb", {}, 90}, now));
    EXPECT_FALSE(add_key(file_, {std::string(101, 'x'), {}, 90}, now));
    EXPECT_FALSE(add_key(file_, {"x", {"sessions:reed"}, 90}, now));
    EXPECT_FALSE(add_key(file_, {"x", {"machines:admin"}, 90}, now));
    EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(api_keys, are_bounded_but_expired_ones_make_room) {
    for (int i = 0; i < 64; ++i) ASSERT_TRUE(add_key(file_, {"k", {}, 1}, now));
    EXPECT_FALSE(add_key(file_, {"k", {}, 1}, now));
    EXPECT_TRUE(add_key(file_, {"k", {}, 1}, now + day_ms));
}

TEST_F(api_keys, of_a_damaged_file_let_nobody_in_until_it_is_whole) {
    const auto made = add_key(file_, {"laptop", {}, 90}, now).value();
    live_keys live(file_);
    std::stringstream whole;
    whole << std::ifstream(file_).rdbuf();
    std::ofstream(file_) << whole.str().substr(0, whole.str().size() / 2);
    EXPECT_EQ(live.find(made.secret, now), nullptr);
    EXPECT_NE(live.trouble(), "");
    EXPECT_FALSE(add_key(file_, {"other", {}, 90}, now)) << "it would take the others away";
    std::ofstream(file_) << whole.str();
    EXPECT_NE(live.find(made.secret, now), nullptr);
    EXPECT_EQ(live.trouble(), "");
}

TEST_F(api_keys, made_at_once_are_all_there) {
    std::vector<std::jthread> makers;
    for (int i = 0; i < 8; ++i)
        makers.emplace_back([this] {
            for (int k = 0; k < 4; ++k) EXPECT_TRUE(add_key(file_, {"k", {}, 90}, now));
        });
    makers.clear();
    EXPECT_EQ(load_keys(file_).value().size(), 32U);
}

}  // namespace
}  // namespace agent::direct
