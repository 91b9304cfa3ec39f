#include "agent/history/record.hpp"

#include <chrono>
#include <cstdio>

#include "proto/limits.hpp"

namespace agent::history {

namespace dom = simdjson::dom;

namespace {

// A prompt that reached the session from outside is meta to Claude, yet somebody's words.
bool is_peer_prompt(dom::element all) {
    std::string_view kind;
    return !all["origin"]["kind"].get(kind) && kind == "peer";
}

}  // namespace

std::string_view text_of(dom::element object, std::string_view name) {
    std::string_view out;
    if (object[name].get(out)) return {};
    return out;
}

bool flag_of(dom::element object, std::string_view name) {
    bool out = false;
    return !object[name].get(out) && out;
}

std::optional<record> record_parser::read(std::string_view line) {
    record r;
    if (parser_.parse(line.data(), line.size()).get(r.all) || !r.all.is_object()) return std::nullopt;
    r.type = text_of(r.all, "type");
    r.uuid = text_of(r.all, "uuid");
    r.at_ms = parse_time(text_of(r.all, "timestamp"));
    r.hidden = flag_of(r.all, "isSidechain") || (flag_of(r.all, "isMeta") && !is_peer_prompt(r.all));
    return r;
}

std::int64_t parse_time(std::string_view text) {
    int year = 0;
    unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0, milli = 0;
    if (text.size() > 40 || std::sscanf(std::string(text).c_str(), "%4d-%2u-%2uT%2u:%2u:%2u.%3uZ", &year, &month, &day,
                                        &hour, &minute, &second, &milli) != 7)
        return 0;
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return 0;
    const auto of_day = std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second) +
                        std::chrono::milliseconds(milli);
    const auto since = std::chrono::sys_days(date).time_since_epoch() + of_day;
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::string_view cut(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
    return text.substr(0, bytes);
}

std::string as_title(std::string_view text) {
    std::string out;
    // Enough for a title whatever white space is taken out.
    for (const char c : cut(text, 4096)) {
        const bool white = static_cast<unsigned char>(c) <= ' ';
        if (!white)
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    constexpr std::string_view more = "…";
    if (out.size() <= proto::limits::title_bytes_max) return out;
    return std::string(cut(out, proto::limits::title_bytes_max - more.size())) + std::string(more);
}

std::string prompt_text(const record& r) {
    if (r.type != "user" || r.hidden || flag_of(r.all, "isCompactSummary")) return {};
    dom::element content;
    if (r.all["message"]["content"].get(content)) return {};
    std::string_view text;
    if (!content.get(text)) {
        // Commands and their output are written as user records, in tags.
        return text.starts_with("<command-") || text.starts_with("<local-command-") ? std::string() : std::string(text);
    }
    dom::array blocks;
    if (content.get(blocks)) return {};
    std::string out;
    for (const dom::element block : blocks) {
        if (text_of(block, "type") != "text") continue;
        const auto piece = text_of(block, "text");
        if (piece.starts_with("[Request interrupted")) return {};
        if (!out.empty()) out += '\n';
        out += piece;
    }
    return out;
}

}  // namespace agent::history
