#include "agent/tools/tool_runner.hpp"

#include <utility>

#include <fmt/format.h>

#include "agent/tools/handlers.hpp"
#include "agent/tools/history_session.hpp"
#include "agent/tools/tool_result.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "proto/limits.hpp"
#include "proto/schema.hpp"

namespace agent::tools {

namespace asio = boost::asio;
using proto::error_code;

namespace {

// How long a repeated call waits for its first self.
constexpr std::chrono::seconds replay_wait(25);
// What the journal keeps of an answer; a longer one is made again out of what the machine knows.
constexpr std::size_t kept_answer_bytes_max = 64 * proto::limits::kib;
// Answers beyond `small` that slow readers have not taken yet, of all calls.
constexpr std::size_t small_answer_bytes = 64 * proto::limits::kib;
constexpr std::size_t held_bytes_max = 128 * proto::limits::mib;

// A prompt is stored under an id made from the key, so sending it again does nothing, and waiting for it may be done by
// as many as want to.
bool joins_itself(std::string_view tool) { return tool == "send_prompt" || tool == "send_and_wait"; }

// Nothing can have been done yet, so the key may be used again.
bool acted_nothing(error_code code) {
    return code != error_code::internal && code != error_code::unknown_outcome && code != error_code::timeout &&
           code != error_code::cancelled;
}

// What the call is to do, for telling whether two are the same: not where it is sent nor how long it waits.
std::string hash_of(const nlohmann::json& arguments) {
    nlohmann::json what = arguments;
    for (const char* name : {"idempotency_key", "machine", "timeout_ms"}) what.erase(name);
    return common::crypto::hex_encode(common::crypto::sha256(dump(what)));
}

// What comes over the link has been sent to this machine by the hub, whatever that calls it.
bool is_this_machine(const services& s, const std::string& id_or_name) {
    return id_or_name.empty() || id_or_name == s.machine->id || id_or_name == s.machine->name;
}

constexpr std::string_view ok_begin = R"({"ok":)";

// What the journal keeps of a call: its answer, byte by byte, or its error.
std::string stored(const proto::result<std::string>& result) {
    if (result) return std::string(ok_begin) + *result + "}";
    return R"({"error":)" + proto::to_json(result.error(), "") + "}";
}

proto::result<std::string> replayed(const std::string& text) {
    if (text.starts_with(ok_begin) && text.ends_with('}'))
        return text.substr(ok_begin.size(), text.size() - ok_begin.size() - 1);
    const auto parsed = nlohmann::json::parse(text, nullptr, false);
    if (const auto error = parsed.find("error"); parsed.is_object() && error != parsed.end())
        if (auto e = proto::parse_error(dump(*error))) return std::unexpected(std::move(*e));
    return proto::fail(error_code::internal, "The journal of this machine holds no readable answer for the call.",
                       "Look at the session with get_session; a new call needs a new idempotency_key.");
}

}  // namespace

handlers all_handlers() {
    return {{"list_machines", list_machines},
            {"get_machine", get_machine},
            {"get_health", get_health},
            {"get_health_details", get_health_details},
            {"list_projects", list_projects},
            {"list_sessions", list_sessions},
            {"get_session", get_session},
            {"create_session", create_session},
            {"fork_session", fork_session},
            {"update_session", update_session},
            {"send_prompt", send_prompt},
            {"send_and_wait", send_and_wait},
            {"poll_events", poll_events},
            {"get_events", get_events},
            {"list_permissions", list_permissions},
            {"respond_permission", respond_permission},
            {"revoke_grant", revoke_grant},
            {"abort_session", abort_session},
            {"dispose_session", dispose_session},
            {"session_diff", session_diff},
            {"rewind_session", rewind_session},
            {"get_state", get_state},
            {"update_state", update_state}};
}

class tool_runner::running_call {
public:
    explicit running_call(std::shared_ptr<load> all) : all_(std::move(all)) { ++all_->running; }
    ~running_call() {
        if (--all_->running == 0) all_->ended.notify_all();
    }
    running_call(const running_call&) = delete;
    running_call& operator=(const running_call&) = delete;

private:
    std::shared_ptr<load> all_;
};

class tool_runner::held_answer {
public:
    held_answer(std::shared_ptr<load> all, std::size_t bytes)
        : all_(std::move(all)), bytes_(bytes > small_answer_bytes ? bytes : 0) {
        all_->held_bytes += bytes_;
    }
    ~held_answer() { all_->held_bytes -= bytes_; }
    held_answer(const held_answer&) = delete;
    held_answer& operator=(const held_answer&) = delete;

    bool fits() const { return bytes_ == 0 || all_->held_bytes <= held_bytes_max; }

private:
    std::shared_ptr<load> all_;
    std::size_t bytes_;
};

const char* tool_runner::origin_of(way by) {
    switch (by) {
        case way::local:
            return "local";
        case way::link:
            return "link";
        case way::direct:
            break;
    }
    return "direct";
}

// Its arguments may be anything yet.
journal::audit_entry tool_runner::entry_of(const common::mcp::tool_call& call, const proto::tool& tool, way by) {
    journal::audit_entry out;
    out.principal = call.who->key();
    out.origin = origin_of(by);
    out.tool = tool.name;
    out.arguments_hash = common::crypto::hex_encode(common::crypto::sha256(call.arguments));
    return out;
}

tool_runner::tool_runner(asio::any_io_executor executor, services s, handlers by_name)
    : services_(std::move(s)),
      calls_(executor, *services_.log),
      audit_(*services_.log),
      handlers_(std::move(by_name)),
      over_link_(*this, way::link),
      direct_(*this, way::direct),
      load_(std::make_shared<load>(executor)) {}

asio::awaitable<proto::result<void>> tool_runner::recover() {
    auto open = co_await calls_.open_calls();
    if (!open) co_return std::unexpected(std::move(open.error()));
    // Each tool finds out what its earlier self did: a session's id and a prompt's are made from the key, an answered
    // permission says how and when, and what is to end is the turn of then. So the same call may come again.
    for (const auto& call : *open) {
        if (!call.what.idempotency_key.empty()) {
            calls_.may_repeat(call.id);
            continue;
        }
        auto done = co_await calls_.withdraw(call.id);
        if (!done) co_return std::unexpected(std::move(done.error()));
    }
    co_return proto::result<void>();
}

asio::awaitable<bool> tool_runner::idle_by(std::chrono::steady_clock::time_point deadline) {
    const auto all = load_;
    while (all->running > 0 && std::chrono::steady_clock::now() < deadline) co_await all->ended.wait_until(deadline);
    co_return all->running == 0;
}

std::string tool_runner::tools(const proto::principal& who) { return proto::tools().list_json(who); }

bool tool_runner::has_tool(std::string_view name) const { return handlers_.contains(name); }

std::string tool_runner::instructions() const {
    return "Runs Claude Code sessions on this machine. create_session, then send_and_wait or send_prompt; follow with "
           "poll_events, always passing the last next_cursor; answer permission requests with respond_permission.";
}

asio::awaitable<proto::result<void>> tool_runner::call(const common::mcp::tool_call& call,
                                                       common::mcp::call_reply& reply) {
    return serve(call, reply, way::local);
}

asio::awaitable<proto::result<void>> tool_runner::serve(const common::mcp::tool_call& call,
                                                        common::mcp::call_reply& reply, way by) {
    const running_call place(load_);
    const bool is_question = by == way::link && call.tool.contains('.');
    proto::result<std::string> outcome;
    if (is_question)
        outcome = co_await internal(call);
    else
        outcome = co_await run_tool(call, reply, by);
    if (!outcome) co_return std::unexpected(std::move(outcome.error()));
    if (outcome->empty()) co_return proto::result<void>();
    const held_answer held(load_, outcome->size());
    if (!held.fits())
        co_return proto::fail(error_code::resource_exhausted,
                              "This machine holds as many long answers for slow readers as it can.",
                              "Read again in a moment; repeat a call that changes something with its idempotency_key.");
    const bool heard = co_await write_result(reply, *outcome);
    if (!heard) co_return proto::fail(error_code::cancelled, "The caller went away.");
    co_return proto::result<void>();
}

asio::awaitable<proto::result<std::string>> tool_runner::run_tool(const common::mcp::tool_call& call,
                                                                  common::mcp::call_reply& reply, way by) {
    const auto* tool = proto::tools().find(call.tool);
    const auto run = handlers_.find(call.tool);
    if (tool == nullptr || run == handlers_.end())
        co_return proto::fail(error_code::unsupported_by_machine,
                              fmt::format("codez {} on this machine has no tool {}.", CODEZ_VERSION, call.tool),
                              "Update codez on the machine.");
    journal::audit_entry entry = entry_of(call, *tool, by);
    if (!call.who->has_scope(tool->scope)) {
        proto::error refusal{error_code::permission_denied,
                             fmt::format("This needs the scope {}, which the credential does not have.", tool->scope),
                             "Use a credential with that scope.", nlohmann::json{{"scope", tool->scope}}.dump()};
        co_return co_await refuse(std::move(entry), std::move(refusal));
    }
    if (call.depth >= proto::limits::call_depth_max) {
        proto::error refusal{error_code::recursion_limit_exceeded,
                             "A session started by a session may not start or steer further ones.",
                             "Let the first session do it.",
                             {}};
        co_return co_await refuse(std::move(entry), std::move(refusal));
    }
    auto arguments = proto::parse_arguments(*tool, call.arguments);
    if (!arguments) co_return std::unexpected(std::move(arguments.error()));
    if (by != way::link && !is_this_machine(services_, arguments->value("machine", "")))
        co_return proto::fail(error_code::not_found, "There is no such machine.",
                              "This agent serves its own machine only: leave `machine` out.");
    journal_note note;
    const call_context context{*arguments,
                               *call.who,
                               by != way::local,
                               call.depth,
                               call.wants_progress,
                               call.client.elicitation_form,
                               call.state,
                               reply,
                               note};
    if (tool->write) co_return co_await journalled(*tool, context, by);
    auto outcome = co_await run->second(services_, context);
    if (outcome || journal::refusing_rule(outcome.error()).empty()) co_return outcome;
    entry.session_id = context.text("session_id");
    co_return co_await refuse(std::move(entry), std::move(outcome.error()));
}

asio::awaitable<proto::result<std::string>> tool_runner::refuse(journal::audit_entry entry, proto::error refusal) {
    entry.rule = journal::refusing_rule(refusal);
    std::ignore = co_await audit_.refused(std::move(entry));  // refused it is, with a full disk too
    co_return std::unexpected(std::move(refusal));
}

asio::awaitable<proto::result<std::string>> tool_runner::journalled(const proto::tool& tool,
                                                                    const call_context& context, way by) {
    const bool joins = joins_itself(tool.name);
    journal::call entry;
    entry.principal = context.who.key();
    entry.tool = tool.name;
    entry.idempotency_key = context.text("idempotency_key");
    entry.arguments_hash = hash_of(context.arguments);
    entry.session_id = context.text("session_id");
    entry.origin = origin_of(by);
    auto decision = co_await calls_.begin(std::move(entry), replay_wait,
                                          joins ? journal::repetition::joins : journal::repetition::waits);
    if (!decision) co_return std::unexpected(std::move(decision.error()));
    if (decision->replay) co_return replayed(*decision->replay);

    context.journal.begun_at = decision->begun_at;
    proto::result<std::string> outcome;
    try {
        outcome = co_await handlers_.find(tool.name)->second(services_, context);
    } catch (...) {
        calls_.leave(decision->id);  // else its key would seem to be in use for ever
        throw;
    }
    const std::string rule = outcome ? std::string() : journal::refusing_rule(outcome.error());
    if (!rule.empty() || !context.journal.made_session.empty())
        std::ignore = co_await audit_.settle(decision->audit_id, context.journal.made_session, rule);
    co_await settle(decision->id, context, joins, outcome);
    co_return outcome;
}

// If the journal cannot be written, the caller still gets the truth; a repeated call then finds out for itself.
asio::awaitable<void> tool_runner::settle(std::int64_t id, const call_context& context, bool joins,
                                          const proto::result<std::string>& outcome) {
    const bool has_key = !context.text("idempotency_key").empty();
    const bool refused = !outcome && acted_nothing(outcome.error().code) && !context.journal.begun_at;
    const bool last_word = outcome ? !context.journal.provisional && outcome->size() <= kept_answer_bytes_max : !joins;
    if (refused || (!has_key && !last_word)) {
        std::ignore = co_await calls_.withdraw(id);
    } else if (last_word) {
        std::ignore = co_await calls_.finish(id, stored(outcome));
    } else {
        calls_.leave(id);
    }
}

asio::awaitable<proto::result<std::string>> tool_runner::internal(const common::mcp::tool_call& call) {
    if (call.tool != "codez.has_session")
        co_return proto::fail(error_code::unsupported_by_machine, "This agent does not know that question of the hub.",
                              "Update codez on the machine.");
    const auto arguments = nlohmann::json::parse(call.arguments, nullptr, false);
    if (!arguments.is_object() || !arguments.contains("session_id") || !arguments["session_id"].is_string())
        co_return proto::fail(error_code::invalid_argument, "`session_id` must be a string.");
    const auto id = arguments["session_id"].get<std::string>();
    auto known = co_await services_.sessions->get(id);
    bool has = known.has_value();
    if (!has) {
        const auto found = co_await find_in_history(services_, id);
        has = found.has_value();
    }
    co_return dump(nlohmann::json{{"has", has}});
}

}  // namespace agent::tools
