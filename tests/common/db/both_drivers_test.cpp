// What callers of common::db may rely on, on SQLite and on PostgreSQL alike.
#include <stdexcept>
#include <thread>

#include "tests/common/db/database_test.hpp"

namespace common::db {
namespace {

class both_drivers : public tests::database_test {
protected:
    void SetUp() override {
        database_test::SetUp();
        if (HasFatalFailure()) return;
        const migration tables[] = {{1,
                                     "CREATE TABLE items (id {{ID}}, name TEXT UNIQUE, n INTEGER, data BLOB);"
                                     "CREATE TABLE parts (item INTEGER NOT NULL REFERENCES items(id));"}};
        const auto e = db_->migrate("test", tables);
        ASSERT_FALSE(e) << e->message;
    }

    static void insert(connection& c, const std::string& name, std::int64_t n = 0) {
        c.execute("INSERT INTO items (name, n) VALUES (CAST(:name AS TEXT), CAST(:n AS INTEGER))",
                  {{"name", name}, {"n", n}});
    }
    static std::int64_t count(connection& c) { return c.query("SELECT COUNT(*) AS n FROM items").front().integer("n"); }
    std::int64_t count() {
        return db_->transaction([](connection& c) { return count(c); }).value();
    }
};

TEST_P(both_drivers, every_value_comes_back_as_it_went_in) {
    std::string all_bytes;
    for (int i = 0; i < 256; ++i) all_bytes.push_back(static_cast<char>(i));
    const std::string text = "it's \"quoted\" \\ :name $1 {{ID}} \n ä €";
    const std::int64_t big = 1'800'000'000'000;
    const auto rows = db_->transaction([&](connection& c) {
        c.execute(
            "INSERT INTO items (name, n, data) VALUES (CAST(:name AS TEXT), CAST(:n AS INTEGER), "
            "CAST(:data AS BLOB))",
            {{"data", blob{all_bytes}}, {"n", big}, {"name", text}});
        c.execute(
            "INSERT INTO items (name, n, data) VALUES (CAST(:name AS TEXT), CAST(:n AS INTEGER), "
            "CAST(:data AS BLOB))",
            {{"data", blob{}}, {"n", std::int64_t{INT64_MIN}}, {"name", std::string()}});
        c.execute(
            "INSERT INTO items (name, n, data) VALUES (CAST(:name AS TEXT), CAST(:n AS INTEGER), "
            "CAST(:data AS BLOB))",
            {{"data", value{}}, {"n", value{}}, {"name", value{}}});
        return c.query("SELECT * FROM items ORDER BY id");
    });
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_EQ(rows->size(), 3U);
    EXPECT_EQ(rows->at(0).text("name"), text);
    EXPECT_EQ(rows->at(0).integer("n"), big);
    EXPECT_EQ(rows->at(0).bytes("data"), all_bytes);
    EXPECT_EQ(rows->at(1).text("name"), "");
    EXPECT_EQ(rows->at(1).integer("n"), INT64_MIN);
    EXPECT_EQ(rows->at(1).bytes("data"), "");
    EXPECT_EQ(rows->at(1).integer("id"), 2);
    EXPECT_TRUE(rows->at(2).is_null("name"));
    EXPECT_EQ(rows->at(2).maybe_integer("n"), std::nullopt);
    EXPECT_EQ(rows->at(2).maybe_text("name"), std::nullopt);
    EXPECT_EQ(rows->at(0).maybe_text("name"), text);
}

TEST_P(both_drivers, wrong_names_and_types_are_bugs) {
    const auto row = db_->transaction([](connection& c) {
                            insert(c, "a");
                            return c.query("SELECT name, n, data FROM items").front();
                        })
                         .value();
    EXPECT_THROW(row.integer("absent"), std::logic_error);
    EXPECT_THROW(row.integer("name"), std::logic_error);
    EXPECT_THROW(row.bytes("data"), std::logic_error);  // NULL
    const auto misuse = [this](std::string_view sql, const parameters& p) {
        EXPECT_THROW((void)db_->transaction([&](connection& c) { c.query(sql, p); }), std::logic_error) << sql;
    };
    misuse("SELECT CAST(:a AS TEXT) AS a", {});
    misuse("SELECT CAST(:a AS TEXT) AS a", {{"b", std::string("x")}});
    misuse("SELECT 1 AS a", {{"b", std::string("x")}});
    EXPECT_EQ(count(), 1);  // and the connection is still good
}

TEST_P(both_drivers, aggregates_and_conditions_are_integers) {
    const auto row =
        db_->transaction([](connection& c) {
               insert(c, "a", 40);
               insert(c, "b", 2);
               return c.query("SELECT SUM(n) AS total, MAX(n) AS highest, SUM(n) > 41 AS over FROM items").front();
           })
            .value();
    EXPECT_EQ(row.integer("total"), 42);
    EXPECT_EQ(row.integer("highest"), 40);
    EXPECT_EQ(row.integer("over"), 1);
}

TEST_P(both_drivers, execute_counts_the_rows_changed) {
    const auto done = db_->transaction([](connection& c) {
        insert(c, "a", 1);
        insert(c, "b", 1);
        EXPECT_EQ(c.execute("UPDATE items SET n = n + 1 WHERE n = 1"), 2);
        EXPECT_EQ(c.execute("UPDATE items SET n = 0 WHERE n = 99"), 0);
        EXPECT_EQ(c.execute("CREATE TABLE other (x INTEGER)"), 0);
        EXPECT_EQ(c.execute("DELETE FROM items"), 2);
        const auto rows = c.query("INSERT INTO items (name) VALUES ('c') RETURNING name");
        EXPECT_EQ(rows.front().text("name"), "c");
    });
    EXPECT_TRUE(done);
}

TEST_P(both_drivers, a_unique_constraint_is_already_exists_and_nothing_is_kept) {
    const auto done = db_->transaction([](connection& c) {
        insert(c, "first");
        insert(c, "twice");
        insert(c, "twice");
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, db_errc::already_exists);
    EXPECT_EQ(count(), 0);
}

TEST_P(both_drivers, other_failures_are_failed_and_nothing_is_kept) {
    for (const auto* sql : {"SELECT nonsense FROM items", "not SQL", "INSERT INTO parts (item) VALUES (77)"}) {
        const auto done = db_->transaction([&](connection& c) {
            insert(c, "first");
            c.execute(sql);
        });
        ASSERT_FALSE(done) << sql;
        EXPECT_EQ(done.error().code, db_errc::failed) << sql;
        EXPECT_FALSE(done.error().message.empty());
    }
    EXPECT_EQ(count(), 0);
}

TEST_P(both_drivers, an_exception_of_the_callers_own_rolls_back_and_is_thrown_on) {
    EXPECT_THROW((void)db_->transaction([](connection& c) {
        insert(c, "a");
        throw std::range_error("mine");
    }),
                 std::range_error);
    EXPECT_EQ(count(), 0);
}

TEST_P(both_drivers, threads_may_share_one_object) {
    ASSERT_TRUE(db_->transaction([](connection& c) { insert(c, "counter"); }));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([this] {
            for (int i = 0; i < 25; ++i)
                EXPECT_TRUE(db_->transaction([](connection& c) { c.execute("UPDATE items SET n = n + 1"); }));
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(db_->transaction([](connection& c) { return c.query("SELECT n FROM items").front().integer("n"); }), 100);
}

// On PostgreSQL this makes serialization conflicts, on SQLite writers that wait for each other.
TEST_P(both_drivers, connections_do_not_lose_each_others_updates) {
    ASSERT_TRUE(db_->transaction([](connection& c) { insert(c, "counter"); }));
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([this] {
            const auto mine = connect({.synchronous_full = false, .busy_timeout_ms = 60'000});
            for (int i = 0; i < 15; ++i) {
                const auto done = mine->transaction([](connection& c) {
                    const auto n = c.query("SELECT n FROM items").front().integer("n");
                    c.execute("UPDATE items SET n = CAST(:n AS INTEGER)", {{"n", n + 1}});
                });
                EXPECT_TRUE(done) << done.error().message;
            }
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(db_->transaction([](connection& c) { return c.query("SELECT n FROM items").front().integer("n"); }), 45);
}

CODEZ_ON_BOTH_DATABASES(both_drivers);

}  // namespace
}  // namespace common::db
