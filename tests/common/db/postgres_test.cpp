// What only PostgreSQL does: lost connections, commits in doubt, a server that goes away.
#include "tests/common/db/database_test.hpp"

namespace common::db {
namespace {

class postgres : public tests::database_test {
protected:
    void SetUp() override {
        database_test::SetUp();
        if (HasFatalFailure()) return;
        ASSERT_TRUE(db_->transaction([](connection& c) { c.execute("CREATE TABLE t (x INTEGER)"); }));
    }
    std::int64_t count() {
        return db_
            ->transaction([](connection& c) { return c.query("SELECT COUNT(*) AS n FROM t").front().integer("n"); })
            .value();
    }
    static void hang_up(connection& c) { c.query("SELECT pg_terminate_backend(pg_backend_pid()) AS t"); }
};

TEST_P(postgres, a_transaction_that_loses_its_connection_runs_again) {
    int runs = 0;
    const auto done = db_->transaction([&](connection& c) {
        c.execute("INSERT INTO t (x) VALUES (1)");
        if (++runs == 1) hang_up(c);
    });
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(count(), 1);
}

TEST_P(postgres, one_that_loses_it_every_time_is_unavailable) {
    const auto done = db_->transaction([](connection& c) { hang_up(c); });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, db_errc::unavailable);
    EXPECT_EQ(count(), 0);
}

TEST_P(postgres, a_commit_that_loses_it_is_in_doubt_and_not_repeated) {
    // A deferred trigger runs inside COMMIT.
    ASSERT_TRUE(db_->transaction([](connection& c) {
        c.execute(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(0); RETURN NULL; END'");
        c.execute(
            "CREATE CONSTRAINT TRIGGER dying AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            "EXECUTE FUNCTION die()");
    }));
    int runs = 0;
    const auto done = db_->transaction([&](connection& c) {
        ++runs;
        c.execute("INSERT INTO t (x) VALUES (1)");
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, db_errc::unknown) << done.error().message;
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(count(), 0);
}

TEST_P(postgres, a_server_that_restarts_is_used_again) {
    tests::shared_postgres().stop();
    const auto while_down = db_->transaction([](connection&) {});
    ASSERT_FALSE(while_down);
    EXPECT_EQ(while_down.error().code, db_errc::unavailable);
    EXPECT_FALSE(open(url_));
    const auto problem = tests::shared_postgres().start();
    ASSERT_FALSE(problem) << *problem;
    EXPECT_EQ(count(), 0);
}

TEST_P(postgres, every_new_connection_has_the_time_limits) {
    const auto limit = [this] {
        return db_
            ->transaction(
                [](connection& c) { return c.query("SHOW statement_timeout").front().text("statement_timeout"); })
            .value();
    };
    EXPECT_EQ(limit(), "30s");
    tests::shared_postgres().stop();
    ASSERT_FALSE(tests::shared_postgres().start());
    EXPECT_EQ(limit(), "30s");
}

TEST_P(postgres, errors_of_the_server_are_mapped_by_their_code) {
    const auto code_for = [this](const std::string& state) {
        const auto done = db_->transaction(
            [&](connection& c) { c.execute("DO 'BEGIN RAISE EXCEPTION USING ERRCODE = ''" + state + "''; END'"); });
        EXPECT_FALSE(done);
        return done.error().code;
    };
    EXPECT_EQ(code_for("53100"), db_errc::full);
    EXPECT_EQ(code_for("XX001"), db_errc::corrupt);
    EXPECT_EQ(code_for("57014"), db_errc::unavailable);
    EXPECT_EQ(code_for("23505"), db_errc::already_exists);
    EXPECT_EQ(code_for("22012"), db_errc::failed);
    EXPECT_EQ(code_for("40001"), db_errc::unavailable);  // after its retries
}

TEST_P(postgres, a_text_that_it_cannot_store_fails) {
    for (const std::string& text : {std::string("a\0b", 3), std::string("\xff")}) {
        const auto done =
            db_->transaction([&](connection& c) { c.query("SELECT CAST(:a AS TEXT) AS a", {{"a", text}}); });
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, db_errc::failed);
    }
}

TEST_P(postgres, passwords_stay_out_of_messages) {
    for (const std::string url :
         {"user:hunter2@/x?host=/nowhere", "user:hunter2@/x?nonsense=1", "user:hunter2@:bad:port/x",
          "user@[bad/x?password=hunter2", "?password=hunter2&host=/nowhere"}) {
        const auto db = open("postgresql://" + url);
        ASSERT_FALSE(db);
        EXPECT_EQ(db.error().message.find("hunter2"), std::string::npos) << db.error().message;
    }
}

INSTANTIATE_TEST_SUITE_P(on, postgres, testing::Values(tests::dialect::postgres), tests::dialect_name);

}  // namespace
}  // namespace common::db
