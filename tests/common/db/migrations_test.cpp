#include <stdexcept>
#include <thread>

#include "tests/common/db/database_test.hpp"

namespace common::db {
namespace {

class migrations : public tests::database_test {};

constexpr migration first{1, "CREATE TABLE a (x INTEGER); INSERT INTO a (x) VALUES (1);"};
constexpr migration second{2, "ALTER TABLE a ADD COLUMN y TEXT; CREATE TABLE b (id {{ID}}, t TEXT)"};

std::int64_t rows_of_a(database& db) {
    return db.transaction([](connection& c) { return c.query("SELECT COUNT(*) AS n FROM a").front().integer("n"); })
        .value();
}

TEST_P(migrations, run_once_and_in_order) {
    const migration both[] = {first, second};
    EXPECT_FALSE(db_->migrate("m", std::span(both).first(1)));
    EXPECT_FALSE(db_->migrate("m", std::span(both).first(1)));
    EXPECT_EQ(rows_of_a(*db_), 1);
    EXPECT_FALSE(db_->migrate("m", both));
    EXPECT_FALSE(connect()->migrate("m", both));
    EXPECT_EQ(rows_of_a(*db_), 1);
    EXPECT_TRUE(db_->transaction([](connection& c) { c.query("SELECT y FROM a"); }));
}

TEST_P(migrations, a_newer_schema_is_refused) {
    const migration both[] = {first, second};
    ASSERT_FALSE(db_->migrate("m", both));
    const auto e = db_->migrate("m", std::span(both).first(1));
    ASSERT_TRUE(e);
    EXPECT_NE(e->message.find("newer program"), std::string::npos) << e->message;
}

TEST_P(migrations, a_failing_one_leaves_nothing) {
    const migration bad[] = {first, {2, "CREATE TABLE c (x INTEGER); nonsense;"}};
    EXPECT_TRUE(db_->migrate("m", bad));
    const migration good[] = {first, second};
    EXPECT_FALSE(db_->migrate("m", good));
    EXPECT_EQ(rows_of_a(*db_), 1);
}

TEST_P(migrations, names_are_independent) {
    const migration other[] = {{1, "CREATE TABLE o (x INTEGER)"}};
    const migration mine[] = {first};
    EXPECT_FALSE(db_->migrate("m", mine));
    EXPECT_FALSE(db_->migrate("other", other));
}

TEST_P(migrations, holes_are_a_bug) {
    const migration holes[] = {first, {3, "SELECT 1"}};
    EXPECT_THROW(db_->migrate("m", holes), std::logic_error);
}

TEST_P(migrations, two_programs_that_start_together_migrate_once) {
    const migration both[] = {first, second};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            const auto mine = connect({.busy_timeout_ms = 60'000});
            const auto e = mine->migrate("m", both);
            EXPECT_FALSE(e) << e->message;
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(rows_of_a(*db_), 1);
}

CODEZ_ON_BOTH_DATABASES(migrations);

}  // namespace
}  // namespace common::db
