// A libpqxx transaction as a common::db::connection. Lives for one transaction. libpqxx's exceptions pass through it to
// postgres_database::run, which maps them.
#pragma once

#include <pqxx/transaction_base.hxx>

#include "common/db/database.hpp"

namespace common::db {

class postgres_connection final : public connection {
public:
    explicit postgres_connection(pqxx::transaction_base& t) : transaction_(t) {}

    std::vector<row> query(std::string_view sql, const parameters& params) override;
    std::int64_t execute(std::string_view sql, const parameters& params) override;
    bool is_postgres() const override { return true; }

    // Any number of statements, without parameters.
    void script(std::string_view sql);

private:
    pqxx::result run(std::string_view sql, const parameters& params);
    pqxx::transaction_base& transaction_;
};

}  // namespace common::db
