#include "proto/cursor.hpp"

#include <algorithm>
#include <cassert>

#include <nlohmann/json.hpp>

#include "proto/base64url.hpp"
#include "proto/json_scanner.hpp"
#include "proto/limits.hpp"

namespace proto {
namespace {

constexpr int format_version = 1;

// [1,[machine_id,log_id,seq],…], with a fourth number where `live` is not 0. The scanner wants an object, so it is
// wrapped: {"c":[…]} costs six bytes and keeps one bounded way into the parser.
std::string to_text(const cursor& c) {
    nlohmann::json list = nlohmann::json::array({format_version});
    for (const auto& entry : c.entries) {
        auto item = nlohmann::json::array({entry.machine_id, entry.log_id, entry.seq});
        if (entry.live != 0) item.push_back(entry.live);
        list.push_back(std::move(item));
    }
    return nlohmann::json{{"c", std::move(list)}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_id(const nlohmann::json& value) {
    const auto* text = value.get_ptr<const std::string*>();
    return text != nullptr && !text->empty() && text->size() <= limits::id_bytes_max;
}

bool is_count(const nlohmann::json& value) {
    return value.is_number_unsigned() && value.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
}

bool is_entry(const nlohmann::json& item) {
    return item.is_array() && (item.size() == 3 || item.size() == 4) && is_id(item[0]) && is_id(item[1]) &&
           is_count(item[2]) && (item.size() == 3 || is_count(item[3]));
}

std::unexpected<error> invalid() {
    return fail(error_code::cursor_invalid, "This cursor is not one that CodeZ gave out.",
                "Poll once without a cursor and go on with the next_cursor of that answer.");
}

}  // namespace

std::string encode_cursor(cursor c) {
    assert(!c.entries.empty() && c.entries.size() <= limits::cursor_entries_max);
    std::ranges::sort(c.entries, {}, &cursor_entry::machine_id);
    return base64url_encode(to_text(c));
}

result<cursor> decode_cursor(std::string_view text) {
    if (text.size() > limits::cursor_bytes_max) return invalid();
    const auto plain = base64url_decode(text);
    if (!plain || !is_json_object(*plain)) return invalid();
    const auto object = nlohmann::json::parse(*plain, nullptr, false);
    const auto it = object.find("c");
    if (it == object.end() || !it->is_array() || it->size() < 2 || it->size() > 1 + limits::cursor_entries_max ||
        it->front() != format_version)
        return invalid();
    cursor c;
    for (std::size_t i = 1; i < it->size(); ++i) {
        const auto& item = (*it)[i];
        if (!is_entry(item)) return invalid();
        cursor_entry entry{item[0], item[1], item[2].get<std::int64_t>(), 0};
        if (item.size() == 4) entry.live = item[3].get<std::int64_t>();
        if (!c.entries.empty() && c.entries.back().machine_id >= entry.machine_id) return invalid();
        c.entries.push_back(std::move(entry));
    }
    // One position has one text: whatever else decodes to it was not made by us.
    if (to_text(c) != *plain) return invalid();
    return c;
}

}  // namespace proto
