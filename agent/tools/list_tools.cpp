// list_sessions: the engine's sessions and those that Claude Code left on the disk, in one order.
#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "agent/history/projects.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/session_json.hpp"
#include "agent/tools/session_match.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

namespace asio = boost::asio;
using nlohmann::json;
using proto::error_code;

namespace {

// The place in the order (updatedAt, id), newest first: the same on every machine.
struct list_position {
    std::int64_t updated_ms = 0;  // 0: before the first
    std::string id;

    bool is_before(std::int64_t ms, const std::string& other) const {
        return updated_ms == 0 || ms < updated_ms || (ms == updated_ms && other < id);
    }
};

struct list_request {
    std::string slug;
    list_position after;
    std::size_t limit = 0;
};

proto::result<list_position> parse_position(const std::string& text) {
    list_position position;
    const auto colon = text.find(':');
    const auto* end = text.data() + std::min(colon, text.size());
    const auto [used, ec] = std::from_chars(text.data(), end, position.updated_ms);
    if (colon == std::string::npos || ec != std::errc() || used != end || position.updated_ms <= 0)
        return proto::fail(error_code::cursor_invalid, "`cursor` is not one that list_sessions returned.",
                           "Call list_sessions without a cursor.");
    position.id = text.substr(colon + 1);
    return position;
}

struct item {
    std::int64_t updated_ms = 0;
    std::string id;
    json value;
    bool of_engine = false;
};

// Sessions that Claude Code left on the disk, of one project or of all; of the newest projects first, until no other
// could have one that belongs on the page.
std::vector<history::session> list_history(const std::filesystem::path& config, const list_request& request) {
    std::vector<history::session> found;
    for (const auto& project : history::list_projects(config)) {
        if (!request.slug.empty() && !is_slug_of(request.slug, project.slug, project.path)) continue;
        const auto ahead = std::ranges::count_if(found, [&](const auto& one) {
            return one.updated_at >= project.updated_at && request.after.is_before(one.updated_at, one.id);
        });
        if (static_cast<std::size_t>(ahead) > request.limit) break;
        auto listed = history::list_sessions(config, project.slug, proto::limits::list_page_max);
        if (listed)
            found.insert(found.end(), std::make_move_iterator(listed->begin()), std::make_move_iterator(listed->end()));
    }
    return found;
}

// The engine's sessions after the position: one more than the page takes.
asio::awaitable<proto::result<std::vector<item>>> own_sessions(const services& s, list_request request) {
    std::vector<item> out;
    auto pending = co_await pending_by_session(s);
    if (!pending) co_return std::unexpected(std::move(pending.error()));
    session::list_filter filter;
    filter.limit = proto::limits::list_page_max;
    filter.before_ms = request.after.updated_ms;
    filter.before_id = request.after.id;
    for (;;) {
        auto page = co_await s.sessions->list(filter);
        if (!page) co_return std::unexpected(std::move(page.error()));
        for (const auto& one : *page) {
            if (!request.slug.empty() && !is_slug_of(request.slug, one.slug, one.cwd)) continue;
            json value = session_json(one, *s.machine);
            value["pendingPermissions"] = (*pending)[one.id];
            out.push_back({one.updated_at_ms, one.id, std::move(value), true});
        }
        if (out.size() > request.limit || page->size() < static_cast<std::size_t>(filter.limit)) co_return out;
        filter.before_ms = page->back().updated_at_ms;
        filter.before_id = page->back().id;
    }
}

json history_json(const services& s, const history::session& one) {
    json out = session_json(one, *s.machine);
    if (s.sessions->is_opened_elsewhere(one.id)) out["status"] = "mirror";
    return out;
}

}  // namespace

answer list_sessions(const services& s, const call_context& c) {
    list_request request;
    request.slug = c.text("slug");
    request.limit = static_cast<std::size_t>(c.number("limit", proto::limits::list_page_default));
    if (const auto text = c.text("cursor"); !text.empty()) {
        auto parsed = parse_position(text);
        if (!parsed) co_return std::unexpected(std::move(parsed.error()));
        request.after = std::move(*parsed);
    }
    auto items = co_await own_sessions(s, request);
    if (!items) co_return std::unexpected(std::move(items.error()));
    auto read = co_await s.pool->run([config = s.claude_config, request] { return list_history(config, request); });
    if (!read) co_return proto::fail(error_code::resource_exhausted, "The machine is busy.", "Try again in a moment.");
    for (const auto& one : *read)
        if (request.after.is_before(one.updated_at, one.id) && s.rules->opens(one.cwd))
            items->push_back({one.updated_at, one.id, history_json(s, one), false});
    std::ranges::sort(*items, [](const item& a, const item& b) {
        return a.updated_ms != b.updated_ms ? a.updated_ms > b.updated_ms : a.id > b.id;
    });

    json out{{"sessions", json::array()}};
    const item* last = nullptr;
    for (auto& one : *items) {
        if (!one.of_engine) {
            // The transcript of one of the engine's has a time, and so a place, of its own.
            const auto known = co_await s.sessions->get(one.id);
            if (known) continue;
        }
        if (out["sessions"].size() == request.limit) {
            if (last != nullptr) out["next_cursor"] = fmt::format("{}:{}", last->updated_ms, last->id);
            break;
        }
        last = &one;
        out["sessions"].push_back(std::move(one.value));
    }
    co_return dump(out);
}

}  // namespace agent::tools
