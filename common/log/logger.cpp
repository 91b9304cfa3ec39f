#include "common/log/logger.hpp"

#include <array>
#include <chrono>
#include <iterator>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <nlohmann/json.hpp>

namespace common::log {

namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};

std::string_view name_of(level l) { return level_names[static_cast<std::size_t>(l)]; }

std::string now_text() {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto ms = now.time_since_epoch().count() % 1000;
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), ms);
}

std::string_view cut(std::string_view text) { return text.substr(0, logger::field_bytes_max); }

// A JSON string. Invalid UTF-8, also a character cut in half, becomes U+FFFD. DEL and the C1 controls, which JSON allows
// bare, are escaped as well: terminals obey them.
std::string quoted(std::string_view text) {
    const auto raw = nlohmann::json(cut(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::string out;
    out.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const auto byte = static_cast<unsigned char>(raw[i]);
        const auto next = i + 1 < raw.size() ? static_cast<unsigned char>(raw[i + 1]) : 0U;
        if (byte == 0x7f) {
            out += "\\u007f";
        } else if (byte == 0xc2 && next >= 0x80 && next <= 0x9f) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", next);
            ++i;
        } else {
            out.push_back(raw[i]);
        }
    }
    return out;
}

bool is_plain(std::string_view text) {
    static constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/+@";
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

std::string text_of(const field& f, format as) {
    struct visitor {
        format as;
        std::string operator()(bool v) const { return v ? "true" : "false"; }
        std::string operator()(std::int64_t v) const { return std::to_string(v); }
        std::string operator()(double v) const { return nlohmann::json(v).dump(); }  // NaN is null
        std::string operator()(std::string_view v) const {
            return as == format::human && is_plain(v) ? std::string(cut(v)) : quoted(v);
        }
    };
    return std::visit(visitor{as}, f.value);
}

}  // namespace

std::optional<level> parse_level(std::string_view name) {
    for (std::size_t i = 0; i < level_names.size(); ++i)
        if (level_names[i] == name) return static_cast<level>(i);
    return std::nullopt;
}

std::optional<format> parse_format(std::string_view name) {
    if (name == "json") return format::json;
    if (name == "human") return format::human;
    return std::nullopt;
}

logger::logger(format f, level lowest) : logger(f, lowest, std::make_shared<spdlog::sinks::stderr_sink_mt>()) {}

logger::logger(format f, level lowest, spdlog::sink_ptr to)
    : format_(f), lowest_(lowest), sink_(std::make_shared<spdlog::logger>("codez", std::move(to))) {
    sink_->set_pattern("%v");
    sink_->set_level(spdlog::level::trace);
}

void logger::write(level at, std::string_view message, std::initializer_list<field> fields) {
    if (at < lowest_) return;
    std::string line;
    if (format_ == format::json) {
        line = fmt::format(R"({{"time":"{}","level":"{}","message":{})", now_text(), name_of(at), quoted(message));
        for (const auto& f : fields) line += fmt::format(",{}:{}", quoted(f.name), text_of(f, format_));
        line += '}';
    } else {
        const auto escaped = quoted(message);
        line = fmt::format("{} {:<7} {}", now_text(), name_of(at),
                           std::string_view(escaped).substr(1, escaped.size() - 2));
        for (const auto& f : fields) line += fmt::format(" {}={}", f.name, text_of(f, format_));
    }
    // The line goes as an argument: a brace in it is no format.
    sink_->log(spdlog::level::info, "{}", line);
}

void logger::debug(std::string_view message, std::initializer_list<field> fields) {
    write(level::debug, message, fields);
}
void logger::info(std::string_view message, std::initializer_list<field> fields) {
    write(level::info, message, fields);
}
void logger::warning(std::string_view message, std::initializer_list<field> fields) {
    write(level::warning, message, fields);
}
void logger::error(std::string_view message, std::initializer_list<field> fields) {
    write(level::error, message, fields);
}

}  // namespace common::log
