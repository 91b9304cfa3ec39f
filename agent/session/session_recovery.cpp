// What the engine finds when it starts: the sessions that the log calls live, each with a holder that goes on or is gone.
#include <filesystem>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/claude/locate.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/orphan.hpp"
#include "agent/session/session_engine.hpp"

namespace agent::session {
namespace asio = boost::asio;
namespace fs = std::filesystem;
using common::db::connection;

namespace {

constexpr std::chrono::seconds attach_retry{2};

}  // namespace

session_engine::task<void> session_engine::start() {
    const auto found = program();
    if (found) {
        const auto version = claude::read_version(*found, services_.options.environment);
        if (version)
            program_version_ = *version;
        else
            program_ = std::unexpected(version.error());
    }
    struct kept {
        events::session_row row;
        std::string memory;
    };
    auto sessions = std::make_shared<std::vector<kept>>();
    const auto looked = co_await services_.log.run([sessions](connection& c) {
        make_engine_tables(c);
        sessions->clear();
        events::session_query query;
        query.status = events::session_status::live;
        for (auto& row : events::list_sessions(c, query)) {
            std::string memory = find_memory(c, row.id);
            sessions->push_back(kept(std::move(row), std::move(memory)));
        }
    });
    if (!looked) co_return std::unexpected(looked.error());
    std::set<std::string> known;
    for (const auto& each : *sessions) known.insert(each.row.holder_directory);
    for (const auto& each : *sessions) co_await recover(each.row, memory_from_json(each.memory));
    co_await recover_unknown_holders(std::move(known));
    tasks_.spawn(end_idle());
    tasks_.spawn(forget_old());
    const auto watched = co_await watch_registry();
    if (!watched) co_return std::unexpected(watched.error());
    co_return co_await join_line_again();
}

asio::awaitable<void> session_engine::recover(events::session_row row, turn_memory memory) {
    const auto offset = static_cast<std::uint64_t>(row.spool_offset);
    const fs::path directory = row.holder_directory;
    auto client = co_await services_.options.holders.attach(services_.executor, directory, offset);
    if (!client && client.error().code != hold::hold_errc::gone && client.error().code != hold::hold_errc::ended) {
        recovery_troubles_[row.id] = "Session " + row.id + " runs, but cannot be reached: " + client.error().message;
        tasks_.spawn(recover_later(std::move(row), std::move(memory)));
        co_return;
    }
    if (recovery_troubles_.erase(row.id) > 0) registry_changed();
    const bool with_claude = client.has_value();
    std::unique_ptr<hold::client> with;
    if (client)
        with = std::move(*client);
    else
        with = make_orphan(services_.options.holders.read_orphaned_spool(directory, offset));
    if (with_claude)
        tell_repair("session.reattached", "Session " + row.id + " goes on: its claude outlived the agent.");
    else
        tell_repair("session.ended_meanwhile",
                    "Session " + row.id + " ended while the agent was away; its next prompt resumes it.");
    const bool announced = memory.announced;
    const auto options = co_await stored_options(row.id);
    const auto live = std::make_shared<live_session>(services_, std::move(row), std::move(memory), std::move(with),
                                                     options ? options->options : json::object());
    live->keep_waiting_prompts();
    adopt(live);
    tasks_.spawn(rejoin_after(live));
    // The agent died while it was being created: whoever asked for it was never given its id.
    if (!announced) tasks_.spawn(live->end());
}

asio::awaitable<void> session_engine::recover_later(events::session_row row, turn_memory memory) {
    asio::steady_timer timer(services_.executor);
    timer.expires_after(attach_retry);
    co_await timer.async_wait(asio::use_awaitable);
    co_await recover(std::move(row), std::move(memory));
}

}  // namespace agent::session
