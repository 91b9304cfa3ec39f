#include "tests/common/db/database_test.hpp"

#include <cstdlib>
#include <ostream>
#include <stdexcept>

namespace tests {

void PrintTo(dialect d, std::ostream* out) { *out << (d == dialect::sqlite ? "sqlite" : "postgres"); }

private_postgres& shared_postgres() {
    static private_postgres server;
    return server;
}

temporary_directory::temporary_directory() {
    std::string pattern = testing::TempDir() + "codez-db-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = pattern;
}

temporary_directory::~temporary_directory() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
}

void database_test::SetUp() {
    if (GetParam() == dialect::sqlite) {
        url_ = "sqlite://" + (directory_.path() / "test.db").string();
    } else {
        const auto problem = shared_postgres().start();
        ASSERT_FALSE(problem) << *problem;
        url_ = shared_postgres().create_database();
    }
    db_ = connect();
    ASSERT_TRUE(db_);
}

std::unique_ptr<common::db::database> database_test::connect(const common::db::open_options& options) {
    auto opened = common::db::open(url_, options);
    if (opened) return std::move(*opened);
    ADD_FAILURE() << opened.error().message;
    return nullptr;
}

}  // namespace tests
