#include "common/net/http_format.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>

#include <fmt/format.h>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/status.hpp>
#include <nlohmann/json.hpp>

namespace common::net {
namespace {

using boost::beast::iequals;

bool is_token_character(char c) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// RFC 9110 §5.5: visible characters, spaces and tabs.
bool is_field_value(std::string_view value) {
    return std::ranges::all_of(
        value, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    if (!is_token(name) || !is_field_value(value)) {
        throw std::invalid_argument(fmt::format("not an HTTP field: {}", is_token(name) ? name : "(bad name)"));
    }
    out.append(name).append(": ").append(value).append("\r\n");
}

bool is_framing_field(std::string_view name) {
    return iequals(name, "content-length") || iequals(name, "transfer-encoding") || iequals(name, "connection");
}

// RFC 9110 §5.6.7. Not strftime: its names follow the locale.
void append_date(std::string& out, std::chrono::system_clock::time_point now) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::tm t{};
    ::gmtime_r(&seconds, &t);
    fmt::format_to(std::back_inserter(out), "Date: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n",
                   days[static_cast<std::size_t>(t.tm_wday)], t.tm_mday, months[static_cast<std::size_t>(t.tm_mon)],
                   t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

}  // namespace

bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_character); }

bool list_contains(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        auto item = list.substr(0, comma);
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
        const auto first = item.find_first_not_of(" \t");
        if (first == std::string_view::npos) continue;
        item = item.substr(first, item.find_last_not_of(" \t") - first + 1);
        if (iequals(item, token)) return true;
    }
    return false;
}

std::string format_response_head(const response_head& head) {
    std::string out;
    out.reserve(256);
    const auto status = boost::beast::http::int_to_status(static_cast<unsigned>(head.status));
    const std::string_view reason = boost::beast::http::obsolete_reason(status);
    fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", head.status, reason);
    for (const auto& [name, value] : head.fields->all()) {
        if (!is_framing_field(name)) append_field(out, name, value);
    }
    if (!head.fields->find("date")) append_date(out, head.now);
    if (head.framing == body_framing::length) {
        fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", head.content_length);
    } else if (head.framing == body_framing::chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    }
    if (!head.keep_alive) out.append("Connection: close\r\n");
    out.append("\r\n");
    return out;
}

std::string format_request_head(const request_head& head) {
    std::string out;
    fmt::format_to(std::back_inserter(out), "{} {} HTTP/1.1\r\n", head.method, head.target);
    append_field(out, "Host", head.host);
    for (const auto& [name, value] : head.fields->all()) {
        if (!is_framing_field(name) && !iequals(name, "host")) append_field(out, name, value);
    }
    if (head.content_length) fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", *head.content_length);
    out.append("Connection: close\r\n\r\n");
    return out;
}

http_response error_response(int status, std::string_view code, std::string_view message) {
    nlohmann::ordered_json body;
    body["error"] = code;
    body["message"] = message;
    http_response response{.status = status, .fields = {}, .body = body.dump()};
    response.fields.add("Content-Type", "application/json");
    return response;
}

}  // namespace common::net
