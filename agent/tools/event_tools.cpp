// poll_events and get_events over the machine's log.
#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "agent/events/event_json.hpp"
#include "agent/events/event_rows.hpp"
#include "agent/events/poll.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/history_session.hpp"
#include "agent/tools/session_json.hpp"
#include "proto/cursor.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

namespace asio = boost::asio;
using proto::error_code;

namespace {

// One that claude left on the disk has no events until somebody prompts it.
asio::awaitable<proto::result<void>> check_known(const services& s, std::string session_id) {
    auto known = co_await s.sessions->get(session_id);
    if (known) co_return proto::result<void>();
    if (known.error().code != error_code::not_found) co_return std::unexpected(std::move(known.error()));
    auto found = co_await find_in_history(s, std::move(session_id));
    if (!found) co_return std::unexpected(std::move(found.error()));
    co_return proto::result<void>();
}

// A place in a session's log: "ordinal:log". Another log, after a rebuild, has other ordinals.
std::string place_text(std::int64_t ordinal, const std::string& log_id) {
    return fmt::format("{}:{}", ordinal, log_id);
}

proto::result<std::int64_t> parse_place(std::string_view text, std::string_view log_id) {
    std::int64_t ordinal = -1;
    const auto colon = std::min(text.find(':'), text.size());
    const auto [used, ec] = std::from_chars(text.data(), text.data() + colon, ordinal);
    if (ec != std::errc() || used != text.data() + colon || colon == text.size() || ordinal < 0)
        return proto::fail(error_code::cursor_invalid, "`cursor` is not one that get_events returned.",
                           "Call get_events without a cursor.");
    if (text.substr(colon + 1) != log_id)
        return proto::fail(error_code::cursor_invalid, "The machine's log was rebuilt or restored since.",
                           "Call get_events without a cursor to begin anew.");
    return ordinal;
}

}  // namespace

answer poll_events(const services& s, const call_context& c) {
    namespace limits = proto::limits;
    events::poll_request request;
    request.session_id = c.text("session_id");
    request.timeout = std::chrono::milliseconds(c.number("timeout_ms", limits::poll_wait_ms_default));
    request.limit = static_cast<int>(c.number("limit", limits::events_page_default));
    if (const auto text = c.text("cursor"); !text.empty()) {
        auto cursor = proto::decode_cursor(text);
        if (!cursor) co_return std::unexpected(std::move(cursor.error()));
        for (const auto& entry : cursor->entries)
            if (entry.machine_id == s.machine->id) request.from = events::position{entry.log_id, entry.seq, entry.live};
        if (!request.from)
            co_return proto::fail(error_code::cursor_invalid, "The cursor is of another machine.",
                                  "Poll without a cursor to begin anew.");
    }
    if (!request.session_id.empty()) {
        auto known = co_await check_known(s, request.session_id);
        if (!known) co_return std::unexpected(std::move(known.error()));
    }
    // Ephemeral events go to readers of one session only; a reader of all of them keeps its place.
    std::optional<std::int64_t> live;
    if (request.session_id.empty() && request.from) live = std::exchange(request.from->live, std::nullopt);
    auto read = co_await events::poll(*s.log, std::move(request));
    if (!read) co_return std::unexpected(std::move(read.error()));
    if (read->next.live) live = read->next.live;
    std::string out = R"({"events":)" + raw_array(read->events);
    out += R"(,"next_cursor":")" + cursor_at(s, read->next.seq, live.value_or(0)) + R"(","has_more":)";
    out += read->has_more ? "true}" : "false}";
    co_return out;
}

answer get_events(const services& s, const call_context& c) {
    namespace limits = proto::limits;
    events::filter wanted;
    wanted.session_id = c.text("session_id");
    if (const auto types = c.arguments.find("types"); types != c.arguments.end())
        wanted.types = types->get<std::vector<std::string>>();
    events::ordinal_range range;
    range.first = c.number("from_ordinal", 0);
    range.last = c.number("to_ordinal", range.last);
    range.newest_first = c.text("order") != "oldest_first";
    if (range.first > range.last)
        co_return proto::fail(error_code::invalid_argument, "`from_ordinal` must not be above `to_ordinal`.");
    if (const auto text = c.text("cursor"); !text.empty()) {
        const auto place = parse_place(text, s.log->log_id());
        if (!place) co_return std::unexpected(place.error());
        if (range.newest_first)
            range.last = std::min(range.last, *place - 1);
        else
            range.first = std::max(range.first, *place + 1);
    }
    auto known = co_await check_known(s, wanted.session_id);
    if (!known) co_return std::unexpected(std::move(known.error()));

    const events::page_limit most{static_cast<int>(c.number("limit", limits::events_page_default)),
                                  limits::events_page_bytes_max};
    const auto page = std::make_shared<events::history_page>();  // the query may outlive this coroutine
    std::function<void(common::db::connection&)> query = [page, wanted, range, most](common::db::connection& db) {
        *page = events::read_history_page(db, wanted, range, most);
    };
    auto read = co_await s.log->run_reading(std::move(query));
    if (!read) co_return std::unexpected(std::move(read.error()));
    std::vector<std::string> items;
    for (const auto& e : page->events) items.push_back(events::event_json(e));
    std::string out = fmt::format(R"({{"count":{},)", page->count);
    if (page->has_more)
        out += fmt::format(R"("next_cursor":"{}",)", place_text(page->events.back().ordinal, s.log->log_id()));
    co_return out + R"("events":)" + raw_array(items) + "}";
}

}  // namespace agent::tools
