// What a tool's handler gets and gives. Handlers run on the agent's I/O thread after schema, scope and journal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include "agent/events/log.hpp"
#include "agent/events/repairs.hpp"
#include "agent/git/diff.hpp"
#include "agent/policy/policy.hpp"
#include "agent/session/engine.hpp"
#include "agent/uploads/attachments.hpp"
#include "agent/uploads/spool.hpp"
#include "common/async/blocking_pool.hpp"
#include "common/mcp/backend.hpp"
#include "proto/error.hpp"
#include "proto/principal.hpp"

namespace agent::tools {

// Who this machine is, to callers. The name may change with a welcome.
struct machine_identity {
    std::string id = "local";
    std::string name;
};

// Everything a handler may use. Owned by agent::app; outlives the tools.
struct services {
    session::engine* sessions = nullptr;
    events::log* log = nullptr;
    common::async::blocking_pool* pool = nullptr;
    const policy* rules = nullptr;
    uploads::spool* uploads = nullptr;
    uploads::attachments* attachments = nullptr;
    const machine_identity* machine = nullptr;
    std::filesystem::path claude_config;  // ~/.claude
    std::int64_t started_at_ms = 0;
    // More sentences for get_health, e.g. of the link.
    std::function<std::vector<std::string>()> troubles;
    // For get_health_details: is the link well, and a sentence.
    std::function<std::pair<bool, std::string>()> link;
    const events::repairs* repairs = nullptr;
    std::filesystem::path state_directory;
    common::async::blocking_pool* git_pool = nullptr;  // of its own: a large work tree takes long
    const git::diff_bases* bases = nullptr;
};

// Between the runner, which journals a call, and its handler.
struct journal_note {
    // The call was made before under its key, then, and was cut off: it may have acted, and must not act twice.
    std::optional<std::int64_t> begun_at;
    // The handler says: this is no last word, the same call again may say more.
    bool provisional = false;
    // The handler says: the call made this session. For the audit.
    std::string made_session;
};

struct call_context {
    const nlohmann::json& arguments;  // validated against the tool's schema
    const proto::principal& who;
    bool remote = false;  // came over the link, or from elsewhere to the agent itself
    int depth = 0;
    bool wants_progress = false;
    bool takes_forms = false;  // reply.ask() can put a form before somebody
    std::string_view state;    // what the call gave to ask() in an earlier round; empty in the first
    common::mcp::call_reply& reply;
    journal_note& journal;

    std::string text(const char* name) const;  // empty if absent
    std::int64_t number(const char* name, std::int64_t otherwise) const;
};

// The structuredContent: one raw JSON object. Empty: an ask() was `suspended`, so the call comes again.
using answer = boost::asio::awaitable<proto::result<std::string>>;
using handler = std::function<answer(const services&, const call_context&)>;

// Where a reader goes on after `seq`, for poll_events. `live`: its place among the ephemeral events, 0 for all kept.
std::string cursor_at(const services& s, std::int64_t seq, std::int64_t live = 0);

std::string dump(const nlohmann::json& value);

}  // namespace agent::tools
