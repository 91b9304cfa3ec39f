#include "common/auth/throttle.hpp"

#include <gtest/gtest.h>

namespace common::auth {
namespace {

using namespace std::chrono_literals;

class throttles : public testing::Test {
protected:
    bool may(const std::string& key = "ada") { return !limit_.attempt(key, now_); }
    void use_up(const std::string& key = "ada") {
        for (int i = 0; i < 5; ++i) EXPECT_TRUE(may(key)) << i;
        EXPECT_FALSE(may(key));
    }

    throttle limit_{{.attempts_max = 5, .window = 15min, .doublings_max = 2, .keys_max = 3}};
    throttle::time_point now_{1000h};
};

TEST_F(throttles, so_many_and_no_more_until_the_window_ends) {
    use_up();
    now_ += 14min;
    EXPECT_EQ(limit_.attempt("ada", now_), 1min);
    now_ += 59s + 999ms;
    EXPECT_FALSE(may());
    now_ += 1ms;
    EXPECT_TRUE(may());
}

TEST_F(throttles, others_are_not_concerned) {
    use_up();
    EXPECT_TRUE(may("bob"));
}

TEST_F(throttles, each_window_that_was_used_up_doubles_the_next) {
    use_up();
    now_ += 15min;
    use_up();
    EXPECT_EQ(limit_.attempt("ada", now_), 30min);
    now_ += 30min;
    use_up();
    EXPECT_EQ(limit_.attempt("ada", now_), 60min);
    now_ += 60min;
    use_up();
    EXPECT_EQ(limit_.attempt("ada", now_), 60min) << "the longest";
}

TEST_F(throttles, time_without_attempts_is_forgiving) {
    use_up();
    now_ += 30min;
    use_up();
    EXPECT_EQ(limit_.attempt("ada", now_), 15min);
}

TEST_F(throttles, what_was_no_failure_does_not_count) {
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(may());
        limit_.take_back("ada");
    }
    use_up();
    limit_.take_back("ada");
    EXPECT_TRUE(may());
    limit_.forget("ada");
    use_up();
    limit_.take_back("nobody");
}

TEST_F(throttles, tells_how_many_count) {
    throttle subject;
    EXPECT_EQ(subject.attempts("a"), 0);
    (void)subject.attempt("a", throttle::time_point());
    (void)subject.attempt("a", throttle::time_point());
    EXPECT_EQ(subject.attempts("a"), 2);
    subject.take_back("a");
    EXPECT_EQ(subject.attempts("a"), 1);
    subject.forget("a");
    EXPECT_EQ(subject.attempts("a"), 0);
}

TEST_F(throttles, refused_attempts_do_not_lengthen_the_wait) {
    use_up();
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(may());
    now_ += 15min;
    EXPECT_TRUE(may());
}

TEST_F(throttles, is_bounded_and_forgets_the_oldest_first) {
    use_up("a");
    now_ += 1s;
    use_up("b");
    use_up("c");
    EXPECT_TRUE(may("d"));
    EXPECT_EQ(limit_.size(), 3U);
    EXPECT_FALSE(may("b"));
    EXPECT_FALSE(may("c"));
    EXPECT_TRUE(may("a")) << "forgotten";
    now_ += 2h;
    EXPECT_TRUE(may("e"));
    EXPECT_EQ(limit_.size(), 1U) << "those whose time is over go first";
}

}  // namespace
}  // namespace common::auth
