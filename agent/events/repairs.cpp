#include "agent/events/repairs.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <nlohmann/json.hpp>

#include "agent/events/event_rows.hpp"
#include "proto/limits.hpp"

namespace agent::events {

namespace asio = boost::asio;
using common::db::connection;
using nlohmann::json;

namespace {

constexpr std::string_view meta_name = "repairs";

std::string to_text(const std::deque<repair>& all) {
    json out = json::array();
    for (const auto& one : all) out.push_back({one.at_ms, one.action, one.details});
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

// What cannot be read is left out.
std::deque<repair> from_text(const std::string& text) {
    std::deque<repair> out;
    const auto list = json::parse(text, nullptr, false);
    if (!list.is_array()) return out;
    for (const auto& one : list)
        if (one.is_array() && one.size() == 3 && one[0].is_number_integer() && one[1].is_string() && one[2].is_string())
            out.push_back({one[0].get<std::int64_t>(), one[1].get<std::string>(), one[2].get<std::string>()});
    return out;
}

}  // namespace

struct repairs::state {
    state(asio::any_io_executor e, log& l) : executor(std::move(e)), kept_in(l) {}

    asio::any_io_executor executor;
    log& kept_in;
    std::deque<repair> all;
    bool loaded = false;  // until then nothing is stored: it would replace what earlier runs noted
    bool storing = false;
    bool changed = false;

    void bound() {
        while (all.size() > proto::limits::repairs_max) all.pop_front();
    }
};

repairs::repairs(asio::any_io_executor executor, log& kept_in)
    : state_(std::make_shared<state>(std::move(executor), kept_in)) {}

asio::awaitable<void> repairs::load() {
    const auto s = state_;
    const auto text = std::make_shared<std::string>();  // the query may outlive this coroutine
    std::function<void(connection&)> query = [text](connection& db) { *text = find_meta(db, meta_name).value_or(""); };
    const auto read = co_await s->kept_in.run(std::move(query));
    if (!read) co_return;  // the log's own trouble is told by the log
    auto earlier = from_text(*text);
    s->all.insert(s->all.begin(), std::make_move_iterator(earlier.begin()), std::make_move_iterator(earlier.end()));
    s->bound();
    s->loaded = true;
    if (s->changed) begin_to_store();
}

void repairs::note(std::string action, std::string details) {
    using namespace std::chrono;
    const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    state_->all.push_back({now, std::move(action), std::move(details)});
    state_->bound();
    state_->changed = true;
    if (state_->loaded) begin_to_store();
}

void repairs::begin_to_store() {
    if (!std::exchange(state_->storing, true)) asio::co_spawn(state_->executor, store(state_), asio::detached);
}

// While the disk is full nothing is stored; the next note tries again.
asio::awaitable<void> repairs::store(std::shared_ptr<state> s) {
    while (std::exchange(s->changed, false)) {
        std::function<void(connection&)> job = [text = to_text(s->all)](connection& db) {
            set_meta(db, meta_name, text);
        };
        const auto stored = co_await s->kept_in.run(std::move(job));
        if (!stored) break;
    }
    s->storing = false;
}

const std::deque<repair>& repairs::all() const { return state_->all; }

}  // namespace agent::events
