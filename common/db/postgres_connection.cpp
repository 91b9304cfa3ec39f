#include "common/db/postgres_connection.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include <pqxx/pqxx>

#include "common/db/failure.hpp"
#include "common/db/sql_text.hpp"

namespace common::db {

namespace {

// Object ids of built-in types, fixed for ever (PostgreSQL's pg_type.dat).
enum type_oid : pqxx::oid {
    bool_oid = 16,
    bytea_oid = 17,
    int8_oid = 20,
    int2_oid = 21,
    int4_oid = 23,
    float4_oid = 700,
    float8_oid = 701,
    numeric_oid = 1700,  // what SUM of integers gives
};

std::int64_t integer_of(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size())
        throw std::logic_error("portable SQL has only 64-bit integers");
    return number;
}

value value_of(const pqxx::field& f, pqxx::oid type) {
    if (f.is_null()) return std::monostate{};
    const std::string_view text(f.c_str(), f.size());
    switch (type) {
        case int2_oid:
        case int4_oid:
        case int8_oid:
        case numeric_oid:
            return integer_of(text);
        case bool_oid:
            return static_cast<std::int64_t>(text == "t");
        case bytea_oid:
            return blob{pqxx::binarystring(f).str()};
        case float4_oid:
        case float8_oid:
            throw std::logic_error("portable SQL has no floating point columns");
        default:
            return std::string(text);
    }
}

// As the text form that libpq sends; bytes in bytea's hex format. nullopt is NULL.
std::optional<std::string> text_of(const value& v) {
    if (const auto* number = std::get_if<std::int64_t>(&v)) return std::to_string(*number);
    if (const auto* text = std::get_if<std::string>(&v)) {
        // libpq would silently cut the text there.
        if (text->find('\0') != std::string::npos)
            throw failure({db_errc::failed, "PostgreSQL cannot store a text with a NUL character"});
        return *text;
    }
    if (const auto* bytes = std::get_if<blob>(&v)) {
        static constexpr std::string_view digits = "0123456789abcdef";
        std::string out = "\\x";
        for (const char c : bytes->bytes) {
            const auto byte = static_cast<unsigned char>(c);
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
        return out;
    }
    return std::nullopt;
}

}  // namespace

pqxx::result postgres_connection::run(std::string_view sql, const parameters& params) {
    const auto translated = to_postgres(sql);
    if (translated.names.size() != params.size())
        throw std::logic_error("the statement has another number of parameters than were given");
    std::vector<std::optional<std::string>> texts;
    for (const auto& name : translated.names) {
        const auto found = std::ranges::find(params, name, &parameters::value_type::first);
        if (found == params.end()) throw std::logic_error("no value was given for the parameter :" + name);
        texts.push_back(text_of(found->second));
    }
    // libpqxx 6 takes a run-time list of one type only; C strings have a NULL.
    std::vector<const char*> pointers;
    for (const auto& t : texts) pointers.push_back(t ? t->c_str() : nullptr);
    return transaction_.exec_params(translated.text, pqxx::prepare::make_dynamic_params(pointers));
}

std::vector<row> postgres_connection::query(std::string_view sql, const parameters& params) {
    const auto result = run(sql, params);
    std::vector<std::string> names;
    std::vector<pqxx::oid> types;
    for (pqxx::row_size_type i = 0; i < result.columns(); ++i) {
        names.emplace_back(result.column_name(i));
        types.push_back(result.column_type(i));
    }
    const auto columns = std::make_shared<const std::vector<std::string>>(std::move(names));
    std::vector<row> rows;
    for (const auto& r : result) {
        std::vector<value> values;
        for (pqxx::row_size_type i = 0; i < r.size(); ++i) values.push_back(value_of(r[i], types[i]));
        rows.emplace_back(columns, std::move(values));
    }
    return rows;
}

std::int64_t postgres_connection::execute(std::string_view sql, const parameters& params) {
    const auto result = run(sql, params);
    return static_cast<std::int64_t>(result.affected_rows());
}

void postgres_connection::script(std::string_view sql) { transaction_.exec(to_postgres(sql).text); }

}  // namespace common::db
