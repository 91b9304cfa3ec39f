// What the session engine is told by agent::app: where things are, how many may live. Plain values; the holder's calls
// are replaceable so that tests need no process.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/hold/client.hpp"
#include "agent/policy/tool_rules.hpp"

namespace agent::session {

// The functions of agent/hold/client.hpp.
struct holder_calls {
    using attached = std::expected<std::unique_ptr<hold::client>, hold::hold_error>;
    std::function<boost::asio::awaitable<attached>(boost::asio::any_io_executor, std::filesystem::path codez_binary,
                                                   hold::spawn_spec)>
        spawn;
    std::function<boost::asio::awaitable<attached>(boost::asio::any_io_executor, std::filesystem::path directory,
                                                   std::uint64_t offset)>
        attach;
    std::function<std::vector<hold::line>(const std::filesystem::path&, std::uint64_t offset)> read_orphaned_spool;
    std::function<int(const std::string& session_id)> end_leftovers;
};
holder_calls real_holder_calls();

struct engine_options {
    std::filesystem::path codez_binary;  // this program: `codez hold`
    std::filesystem::path
        state_directory;      // the agent's own, e.g. ~/.local/state/codez: holders/ and locks/ are made here
    std::string claude_path;  // from the configuration; empty: CLAUDE_BIN, PATH, the usual places
    std::map<std::string, std::string> environment;  // the agent's own, as it was started
    // Of claude alone, e.g. its login: asked at each start. An error, a sentence, is told to the caller. Empty: none.
    std::function<std::expected<std::map<std::string, std::string>, std::string>()> claude_variables;
    std::vector<std::string> setting_sources = {"user", "project", "local"};
    // The permission mode to start claude in for a session that was made with the given one: the policy may have become
    // stricter since. Empty: that one.
    std::function<std::string(const std::string& asked)> permission_mode_for;
    // Told what the engine mended by itself (events/repairs); may be empty.
    std::function<void(std::string action, std::string details)> on_repair;
    agent::tool_rules tool_rules;
    std::int64_t permission_expiry_s = 0;  // the longest that a permission request may wait; 0: no limit
    int live_max = 8;
    std::chrono::milliseconds idle_ttl{0};  // after so long without work claude is ended; 0: never
    std::chrono::milliseconds keep{0};      // sessions that nobody used for longer are forgotten; 0: none
    std::chrono::milliseconds end_grace{5'000};
    std::chrono::milliseconds start_timeout{60'000};  // until claude answered `initialize`
    std::uint64_t spool_segment_bytes = 8u << 20;
    holder_calls holders = real_holder_calls();
};

}  // namespace agent::session
