#include <fstream>
#include <thread>

#include <sys/stat.h>

#include "tests/common/db/database_test.hpp"

namespace common::db {
namespace {

class sqlite : public testing::Test {
protected:
    std::string file() const { return (directory_.path() / "test.db").string(); }
    auto open_it(const open_options& options = {}) const { return open("sqlite://" + file(), options); }
    static std::string pragma(database& db, const std::string& name) {
        return db
            .transaction([&](connection& c) {
                return c.query("SELECT CAST(" + name + " AS TEXT) AS v FROM pragma_" + name).front().text("v");
            })
            .value();
    }
    tests::temporary_directory directory_;
};

TEST_F(sqlite, has_the_settings_that_durability_needs) {
    const auto durable = open_it();
    ASSERT_TRUE(durable);
    EXPECT_EQ(pragma(**durable, "journal_mode"), "wal");
    EXPECT_EQ(pragma(**durable, "synchronous"), "2");
    EXPECT_EQ(pragma(**durable, "foreign_keys"), "1");
    EXPECT_EQ(pragma(**open_it({.synchronous_full = false}), "synchronous"), "1");
}

TEST_F(sqlite, files_are_private) {
    std::ofstream(file()).close();
    std::filesystem::permissions(file(), std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    const auto db = open_it();
    ASSERT_TRUE((*db)->transaction([](connection& c) { c.execute("CREATE TABLE t (x INTEGER)"); }));
    for (const auto& name : {file(), file() + "-wal", file() + "-shm"}) {
        struct stat info{};
        ASSERT_EQ(::stat(name.c_str(), &info), 0) << name;
        EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
    }
}

TEST_F(sqlite, a_locked_database_is_unavailable) {
    const auto holder = open_it();
    const auto other = open_it({.busy_timeout_ms = 1});
    const auto result = (*holder)->transaction([&](connection&) { return (*other)->transaction([](connection&) {}); });
    ASSERT_TRUE(result);
    ASSERT_FALSE(result->has_value());
    EXPECT_EQ(result->error().code, db_errc::unavailable);
    EXPECT_TRUE((*other)->transaction([](connection&) {}));
}

TEST_F(sqlite, programs_that_start_together_all_open_it) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([this] {
            const auto db = open_it({.busy_timeout_ms = 60'000});
            ASSERT_TRUE(db) << db.error().message;
            EXPECT_EQ(pragma(**db, "journal_mode"), "wal");
        });
    for (auto& t : threads) t.join();
}

TEST_F(sqlite, a_full_disk_is_full_and_changes_nothing) {
    const auto db = open_it();
    const auto fill = [](connection& c) {
        c.execute("INSERT INTO t (x) VALUES (CAST(:x AS BLOB))", {{"x", blob{std::string(100'000, 'x')}}});
    };
    ASSERT_TRUE((*db)->transaction([](connection& c) {
        c.execute("CREATE TABLE t (x BLOB)");
        c.query("PRAGMA max_page_count = 10");
    }));
    const auto result = (*db)->transaction(fill);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, db_errc::full);
    ASSERT_TRUE((*db)->transaction([](connection& c) { c.query("PRAGMA max_page_count = 100000"); }));
    EXPECT_EQ((*db)->transaction([](connection& c) { return c.query("SELECT x FROM t").size(); }), 0U);
    EXPECT_TRUE((*db)->transaction(fill));
}

TEST_F(sqlite, a_file_that_is_no_database_is_corrupt) {
    std::ofstream(file()) << std::string(8192, 'x');
    const auto db = open_it();
    ASSERT_FALSE(db);
    EXPECT_EQ(db.error().code, db_errc::corrupt);
    EXPECT_NE(db.error().message.find(file()), std::string::npos);
}

TEST_F(sqlite, an_absent_directory_is_unavailable_with_a_sentence) {
    const auto db = open("sqlite://" + (directory_.path() / "absent" / "x.db").string());
    ASSERT_FALSE(db);
    EXPECT_EQ(db.error().code, db_errc::unavailable);
    EXPECT_NE(db.error().message.find("cannot be made: No such file"), std::string::npos) << db.error().message;
}

TEST_F(sqlite, more_statements_than_the_cache_holds) {
    const auto db = open_it();
    const auto sum = (*db)->transaction([](connection& c) {
        std::int64_t total = 0;
        for (int i = 0; i < 1000; ++i) total += c.query("SELECT " + std::to_string(i) + " AS n").front().integer("n");
        return total;
    });
    EXPECT_EQ(sum, 499'500);
}

TEST_F(sqlite, triggers_may_hold_semicolons) {
    const auto db = open_it();
    const migration with_trigger[] = {{1,
                                       "CREATE TABLE t (x INTEGER); CREATE TABLE log (x INTEGER);"
                                       "CREATE TRIGGER copy AFTER INSERT ON t BEGIN"
                                       " INSERT INTO log (x) VALUES (new.x); INSERT INTO log (x) VALUES (0); END;"}};
    ASSERT_FALSE((*db)->migrate("m", with_trigger));
    EXPECT_EQ((*db)->transaction([](connection& c) {
        EXPECT_EQ(c.execute("INSERT INTO t (x) VALUES (1)"), 1);
        return c.query("SELECT x FROM log").size();
    }),
              2U);
}

TEST(open_url, others_are_refused_without_repeating_a_password) {
    for (const std::string url : {"", "sqlite:relative.db", "mysql://root:hunter2@localhost/x"}) {
        const auto db = open(url);
        ASSERT_FALSE(db);
        EXPECT_NE(db.error().message.find("sqlite:///"), std::string::npos);
        EXPECT_EQ(db.error().message.find("hunter2"), std::string::npos);
    }
}

}  // namespace
}  // namespace common::db
