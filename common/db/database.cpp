#include "common/db/database.hpp"

#include <algorithm>
#include <stdexcept>

namespace common::db {

namespace {

template <class T>
const T& typed(const value& v, std::string_view column) {
    if (const auto* p = std::get_if<T>(&v)) return *p;
    throw std::logic_error("column " + std::string(column) + " has another type or is NULL");
}

}  // namespace

const value& row::at(std::string_view column) const {
    const auto found = std::ranges::find(*columns_, column);
    if (found == columns_->end()) throw std::logic_error("no column " + std::string(column));
    return values_.at(static_cast<std::size_t>(found - columns_->begin()));
}

std::int64_t row::integer(std::string_view column) const { return typed<std::int64_t>(at(column), column); }

const std::string& row::text(std::string_view column) const { return typed<std::string>(at(column), column); }

const std::string& row::bytes(std::string_view column) const { return typed<blob>(at(column), column).bytes; }

bool row::is_null(std::string_view column) const { return std::holds_alternative<std::monostate>(at(column)); }

std::optional<std::int64_t> row::maybe_integer(std::string_view column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
}

std::optional<std::string> row::maybe_text(std::string_view column) const {
    if (is_null(column)) return std::nullopt;
    return text(column);
}

}  // namespace common::db
