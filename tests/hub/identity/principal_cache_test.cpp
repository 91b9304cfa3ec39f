#include "hub/identity/principal_cache.hpp"

#include <gtest/gtest.h>

namespace hub::identity {
namespace {

using std::chrono::milliseconds;

class principal_cache_ : public testing::Test {
protected:
    static verified someone(const std::string& client) {
        verified v;
        v.who.emplace();
        v.who->client_id = client;
        return v;
    }
    void put(const std::string& hash, verified v) { cache_.put(hash, std::move(v), cache_.generation(), now_); }
    bool has(const std::string& hash) const { return cache_.find(hash, now_).has_value(); }

    principal_cache::time_point now_{milliseconds(1000)};
    principal_cache cache_{3, milliseconds(100)};
};

TEST_F(principal_cache_, keeps_good_and_bad_answers_for_a_while) {
    put("good", someone("k"));
    put("bad", {});
    now_ += milliseconds(99);
    EXPECT_EQ(cache_.find("good", now_)->who->client_id, "k");
    EXPECT_FALSE(cache_.find("bad", now_)->who);
    now_ += milliseconds(1);
    EXPECT_FALSE(has("good"));
    EXPECT_FALSE(has("bad"));
}

TEST_F(principal_cache_, is_bounded_and_the_oldest_goes_first) {
    for (const auto* hash : {"1", "2", "3", "4"}) {
        put(hash, someone("k"));
        now_ += milliseconds(1);
    }
    EXPECT_FALSE(has("1"));
    EXPECT_TRUE(has("2"));
    EXPECT_TRUE(has("4"));
}

TEST_F(principal_cache_, made_up_credentials_push_no_real_one_out) {
    put("good", someone("k"));
    for (int i = 0; i < 100; ++i) put("bad" + std::to_string(i), {});
    EXPECT_TRUE(has("good"));
    EXPECT_TRUE(has("bad99"));
    EXPECT_FALSE(has("bad0"));
}

TEST_F(principal_cache_, a_renewed_entry_outlives_its_first_record) {
    put("1", someone("k"));
    now_ += milliseconds(60);
    put("1", someone("k"));
    now_ += milliseconds(60);
    put("2", someone("k"));
    EXPECT_TRUE(has("1"));
}

TEST_F(principal_cache_, forgets_one_client_or_all) {
    put("1", someone("k1"));
    put("2", someone("k2"));
    cache_.invalidate("k1");
    EXPECT_FALSE(has("1"));
    EXPECT_TRUE(has("2"));
    put("bad", {});
    cache_.invalidate_all();
    EXPECT_FALSE(has("2"));
    EXPECT_FALSE(has("bad"));
}

TEST_F(principal_cache_, what_was_looked_up_before_an_invalidation_is_dropped) {
    const auto before = cache_.generation();
    cache_.invalidate("k1");
    cache_.put("1", someone("k1"), before, now_);
    EXPECT_FALSE(has("1"));
}

}  // namespace
}  // namespace hub::identity
