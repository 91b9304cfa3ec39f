#include "agent/tools/made_session.hpp"

#include <chrono>
#include <utility>

namespace agent::tools {

namespace asio = boost::asio;
using nlohmann::json;
using proto::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// How long a repeated call waits for the end of a start that the agent's own end interrupted.
constexpr std::chrono::seconds remains_of_a_start(20);

}  // namespace

json made_json(const services& s, const session::created& made) {
    return {{"sessionId", made.session_id},
            {"cwd", made.cwd},
            {"cursor", cursor_at(s, made.cursor)},
            {"machine", s.machine->id},
            {"machineName", s.machine->name}};
}

asio::awaitable<proto::result<std::optional<session::created>>> made_before(const services& s, std::string id) {
    const auto deadline = steady_clock::now() + remains_of_a_start;
    for (;;) {
        auto there = co_await s.sessions->get(id);
        if (!there && there.error().code == error_code::not_found) co_return std::nullopt;
        if (!there) co_return std::unexpected(std::move(there.error()));
        events::filter its;
        its.session_id = id;
        auto first = co_await s.log->read(its, 0, 1, milliseconds(0));
        if (!first) co_return std::unexpected(std::move(first.error()));
        if (!first->events.empty()) co_return session::created{id, there->session.cwd, first->events.front().seq - 1};
        // The agent died before anybody was told of the session: what is left of it is being ended.
        if (steady_clock::now() >= deadline)
            co_return proto::fail(error_code::session_busy,
                                  "What an interrupted call left behind is still being ended.",
                                  "Repeat the call in a moment.");
        std::ignore = co_await s.log->read(its, 0, 1, milliseconds(100));
    }
}

}  // namespace agent::tools
