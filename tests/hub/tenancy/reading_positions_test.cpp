#include "tests/hub/tenancy/store_test.hpp"

namespace hub::tenancy {
namespace {

class reading_positions : public store_test {
protected:
    static constexpr std::int64_t day = 24 * 3600 * std::int64_t{1000};
    bool is_kept(const std::string& id) { return accounts_->find_position(workspace_, id).has_value(); }
};

TEST_P(reading_positions, are_the_workspaces_own) {
    const auto id = accounts_->save_position(workspace_, "somewhere", "").value();
    EXPECT_EQ(accounts_->find_position(workspace_, id), "somewhere");
    EXPECT_EQ(accounts_->find_position(other_workspace(), id).error().code, errc::not_found);
    for (const std::string odd : {"", "x", "\xff", "' OR 1=1 --"})
        EXPECT_EQ(accounts_->find_position(workspace_, odd).error().code, errc::not_found);
}

TEST_P(reading_positions, live_as_long_as_somebody_uses_them) {
    const auto used = accounts_->save_position(workspace_, "used", "").value();
    const auto forgotten = accounts_->save_position(workspace_, "forgotten", "").value();
    for (int i = 0; i < 3; ++i) {
        now_ += 20 * day;
        EXPECT_TRUE(is_kept(used));
    }
    EXPECT_FALSE(is_kept(forgotten));
}

TEST_P(reading_positions, go_a_day_after_the_next_one_was_used) {
    const auto first = accounts_->save_position(workspace_, "first", "").value();
    const auto lost = accounts_->save_position(workspace_, "second, whose answer got lost", first).value();
    now_ += 20 * day;
    EXPECT_TRUE(is_kept(first)) << "nobody has shown the second";
    const auto second = accounts_->save_position(workspace_, "second", first).value();
    EXPECT_TRUE(is_kept(second));
    now_ += day / 2;
    EXPECT_TRUE(is_kept(first));
    now_ += day;
    EXPECT_TRUE(is_kept(second));
}

TEST_P(reading_positions, that_are_expired_are_removed) {
    const auto first = accounts_->save_position(workspace_, "first", "").value();
    const auto second = accounts_->save_position(workspace_, "second", first).value();
    EXPECT_TRUE(is_kept(second));
    now_ += 2 * day;
    std::ignore = accounts_->save_position(workspace_, "third", second);
    const auto left =
        db_->transaction([](common::db::connection& c) { return c.query("SELECT id FROM reading_positions").size(); });
    EXPECT_EQ(left, 2U);
    EXPECT_FALSE(is_kept(first));
}

CODEZ_ON_BOTH_DATABASES(reading_positions);

}  // namespace
}  // namespace hub::tenancy
