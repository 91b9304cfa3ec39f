// The base of every test that owns tables: runs on SQLite and on PostgreSQL, with a new database each.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "common/db/database.hpp"
#include "tests/common/db/private_postgres.hpp"

namespace tests {

enum class dialect { sqlite, postgres };

void PrintTo(dialect d, std::ostream* out);

// One server for the test program, started by the first test that needs it.
private_postgres& shared_postgres();

class temporary_directory {
public:
    temporary_directory();
    ~temporary_directory();
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

class database_test : public testing::TestWithParam<dialect> {
protected:
    void SetUp() override;

    // Another connection to the test's database.
    std::unique_ptr<common::db::database> connect(const common::db::open_options& options = {});

    temporary_directory directory_;
    std::string url_;
    std::unique_ptr<common::db::database> db_;
};

inline std::string dialect_name(const testing::TestParamInfo<dialect>& info) {
    return info.param == dialect::sqlite ? "sqlite" : "postgres";
}

}  // namespace tests

#define CODEZ_ON_BOTH_DATABASES(suite)                                                                     \
    INSTANTIATE_TEST_SUITE_P(on, suite, testing::Values(tests::dialect::sqlite, tests::dialect::postgres), \
                             tests::dialect_name)
