// One line per event on stderr, as JSON or for people. Built once in main and passed by reference; no registry.
// Thread-safe. Control characters are escaped and long fields cut, so nobody's input can forge or flood a line.
// Never pass tokens, keys or prompts.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <spdlog/common.h>

namespace spdlog {
class logger;
}

namespace common::log {

enum class format { json, human };
enum class level { debug, info, warning, error };

std::optional<level> parse_level(std::string_view name);
std::optional<format> parse_format(std::string_view name);

// A named value of a line. Strings are views: used before the call returns.
struct field {
    std::string_view name;
    std::variant<bool, std::int64_t, double, std::string_view> value;

    field(std::string_view n, bool v) : name(n), value(v) {}
    field(std::string_view n, std::integral auto v) : name(n), value(static_cast<std::int64_t>(v)) {}
    field(std::string_view n, double v) : name(n), value(v) {}
    field(std::string_view n, std::string_view v) : name(n), value(v) {}
    field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
    field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
};

class logger {
public:
    static constexpr std::size_t field_bytes_max = 2048;

    logger(format f, level lowest);                       // to stderr
    logger(format f, level lowest, spdlog::sink_ptr to);  // tests

    void debug(std::string_view message, std::initializer_list<field> fields = {});
    void info(std::string_view message, std::initializer_list<field> fields = {});
    void warning(std::string_view message, std::initializer_list<field> fields = {});
    void error(std::string_view message, std::initializer_list<field> fields = {});

private:
    void write(level at, std::string_view message, std::initializer_list<field> fields);
    format format_;
    level lowest_;
    std::shared_ptr<spdlog::logger> sink_;
};

}  // namespace common::log
