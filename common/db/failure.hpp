// How a driver's connection reports an error through the caller's function to database::run(), which returns it.
// Leaves common/db never.
#pragma once

#include <exception>
#include <utility>

#include "common/db/database.hpp"

namespace common::db {

class failure : public std::exception {
public:
    explicit failure(db_error error) : error_(std::move(error)) {}
    const db_error& error() const { return error_; }
    const char* what() const noexcept override { return error_.message.c_str(); }

private:
    db_error error_;
};

}  // namespace common::db
