#include "hub/upstream/visits.hpp"

#include <atomic>
#include <thread>

#include "tests/hub/tenancy/store_test.hpp"

namespace hub::upstream {
namespace {

using tenancy::errc;

class visits_of : public tenancy::store_test {
protected:
    visits all() {
        return visits(*db_, [this] { return now_; });
    }
    static std::string hash(std::string_view text) { return common::crypto::sha256(text); }
    auto take(std::string_view state, std::string_view provider = "company", std::string_view visitor = "v") {
        return all().take(hash(state), provider, {hash("somebody"), hash(visitor)});
    }
};

TEST_P(visits_of, come_back_once_with_all_that_was_kept) {
    const visit begun{.provider_id = "company",
                      .what_for = purpose::welcome,
                      .continue_at = "sealed",
                      .user_id = "u_1",
                      .link_hash = hash("link"),
                      .name = "Bob",
                      .email = "bob@example.org"};
    ASSERT_TRUE(all().begin(hash("s"), hash("v"), begun));
    const auto back = take("s");
    ASSERT_TRUE(back) << back.error().message << back.error().log_text;
    EXPECT_EQ(back->visitor_hash, hash("v"));
    EXPECT_EQ(back->what.provider_id, "company");
    EXPECT_EQ(back->what.what_for, purpose::welcome);
    EXPECT_EQ(back->what.continue_at, "sealed");
    EXPECT_EQ(back->what.user_id, "u_1");
    EXPECT_EQ(back->what.link_hash, hash("link"));
    EXPECT_EQ(back->what.name, "Bob");
    EXPECT_EQ(back->what.email, "bob@example.org");
    EXPECT_EQ(back->what.begun_at, now_);
    EXPECT_EQ(take("s").error().code, errc::not_found);
}

TEST_P(visits_of, are_of_one_browser_and_one_provider_and_of_ten_minutes) {
    ASSERT_TRUE(all().begin(hash("s"), hash("v"), {.provider_id = "company", .continue_at = "x"}));
    const auto unknown = take("t").error();
    EXPECT_EQ(unknown.code, errc::not_found);
    EXPECT_EQ(take("s", "company", "w").error().message, unknown.message);
    EXPECT_EQ(take("s", "other").error().message, unknown.message);
    now_ += visit_ms - 1;
    EXPECT_TRUE(take("s")) << "what others tried has used nothing up";
    ASSERT_TRUE(all().begin(hash("s"), hash("v"), {.provider_id = "company", .continue_at = "x"}));
    now_ += visit_ms;
    EXPECT_EQ(take("s").error().message, unknown.message);
}

TEST_P(visits_of, only_one_of_many_at_once_comes_back) {
    ASSERT_TRUE(all().begin(hash("s"), hash("v"), {.provider_id = "company", .continue_at = "x"}));
    std::atomic<int> back = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            const auto mine = connect({.busy_timeout_ms = 60'000});
            if (visits(*mine, [this] { return now_; }).take(hash("s"), "company", {hash("v")})) ++back;
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(back, 1);
}

CODEZ_ON_BOTH_DATABASES(visits_of);

}  // namespace
}  // namespace hub::upstream
