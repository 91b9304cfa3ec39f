#include "hub/relay/fleet_cursors.hpp"

#include <algorithm>
#include <utility>

#include "proto/limits.hpp"

namespace hub::relay {

namespace asio = boost::asio;
namespace limits = proto::limits;
using proto::error_code;

namespace {

constexpr std::string_view kept_prefix = "h_";

// Cursors of a few machines each, with spaces between.
std::string packed(const proto::cursor& whole) {
    std::string out;
    for (std::size_t i = 0; i < whole.entries.size(); i += limits::cursor_entries_max) {
        const auto begin = whole.entries.begin() + static_cast<std::ptrdiff_t>(i);
        const auto count = std::min(limits::cursor_entries_max, whole.entries.size() - i);
        if (!out.empty()) out += ' ';
        out += proto::encode_cursor({{begin, begin + static_cast<std::ptrdiff_t>(count)}});
    }
    return out;
}

proto::result<proto::cursor> unpacked(std::string_view text) {
    proto::cursor whole;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        auto part = proto::decode_cursor(text.substr(0, end));
        if (!part) return part;
        whole.entries.insert(whole.entries.end(), part->entries.begin(), part->entries.end());
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return whole;
}

proto::error failure(const tenancy::error& e) {
    if (e.code == tenancy::errc::unavailable)
        return {error_code::route_unavailable, "The hub's database does not answer.", "Try again in a moment.", {}};
    return {error_code::internal,
            "The hub could not keep where you are.",
            "Poll again with the same cursor; tell the hub's operator if it stays.",
            {}};
}

proto::error busy() { return {error_code::resource_exhausted, "The hub is busy.", "Try again in a moment.", {}}; }

}  // namespace

asio::awaitable<proto::result<reader_position>> fleet_cursors::read(std::string workspace_id, std::string cursor) {
    if (cursor.empty()) co_return reader_position();
    if (!is_kept(cursor)) {
        auto at = proto::decode_cursor(cursor);
        if (!at) co_return std::unexpected(std::move(at.error()));
        co_return reader_position{std::move(*at), std::move(cursor)};
    }
    auto found = co_await pool_.run([this, workspace_id, id = cursor.substr(kept_prefix.size())] {
        return store_.find_position(workspace_id, id);
    });
    if (!found) co_return std::unexpected(busy());
    if (!*found && found->error().code == tenancy::errc::not_found)
        co_return proto::fail(error_code::cursor_expired, "The hub does not know this cursor, or not any more.",
                              "Poll without a cursor to begin anew; get_events has what you missed of a session.");
    if (!*found) co_return std::unexpected(failure(found->error()));
    auto at = unpacked(**found);
    if (!at) co_return std::unexpected(std::move(at.error()));
    co_return reader_position{std::move(*at), std::move(cursor)};
}

asio::awaitable<proto::result<std::string>> fleet_cursors::write(std::string workspace_id, proto::cursor now,
                                                                 reader_position before) {
    std::ranges::sort(now.entries, {}, &proto::cursor_entry::machine_id);
    if (now == before.at) co_return std::move(before.cursor);
    if (now.entries.size() <= limits::cursor_entries_max) co_return proto::encode_cursor(std::move(now));
    const std::string earlier = is_kept(before.cursor) ? before.cursor.substr(kept_prefix.size()) : std::string();
    auto saved = co_await pool_.run([this, workspace_id, earlier, text = packed(now)] {
        return store_.save_position(workspace_id, text, earlier);
    });
    if (!saved) co_return std::unexpected(busy());
    if (!*saved) co_return std::unexpected(failure(saved->error()));
    co_return std::string(kept_prefix) + **saved;
}

}  // namespace hub::relay
