// The tools that make claude work: create_session, send_prompt, send_and_wait.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "agent/events/conversation.hpp"
#include "agent/history/projects.hpp"
#include "agent/session/uuid.hpp"
#include "agent/tools/derived_id.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/history_session.hpp"
#include "agent/tools/session_base.hpp"
#include "agent/tools/session_json.hpp"
#include "agent/tools/session_match.hpp"
#include "agent/tools/session_worktree.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

namespace asio = boost::asio;
using nlohmann::json;
using proto::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// How long a repeated create_session waits for the end of a start that the agent's own end interrupted.
constexpr std::chrono::seconds remains_of_a_start(20);

// The directory of a project that is only named by its slug.
asio::awaitable<proto::result<std::string>> directory_of(const services& s, std::string slug) {
    session::list_filter filter;
    filter.limit = proto::limits::list_page_max;
    auto ours = co_await s.sessions->list(filter);
    if (!ours) co_return std::unexpected(std::move(ours.error()));
    for (const auto& one : *ours)
        if (is_slug_of(slug, one.slug, one.cwd)) co_return one.cwd;
    auto read = co_await s.pool->run([config = s.claude_config] { return history::list_projects(config); });
    if (!read) co_return proto::fail(error_code::resource_exhausted, "The machine is busy.", "Try again in a moment.");
    for (const auto& p : *read)
        if (!p.path.empty() && is_slug_of(slug, p.slug, p.path)) co_return p.path;
    co_return proto::fail(error_code::not_found, fmt::format("There is no project {} on this machine.", slug),
                          "Give the directory as `cwd`, or take a slug from list_projects.");
}

proto::error replaced(const std::string& directory) {
    return {error_code::policy_denied, fmt::format("{} is not the directory any more that it was.", directory),
            "A symbolic link lies there now. Create a session in the directory that it leads to, if the policy opens it.",
            {}};
}

std::string created_json(const services& s, const session::created& made, const std::optional<planned_worktree>& tree) {
    json out{{"sessionId", made.session_id},
             {"cwd", made.cwd},
             {"cursor", cursor_at(s, made.cursor)},
             {"machine", s.machine->id},
             {"machineName", s.machine->name}};
    if (tree) out["worktree"] = {{"path", tree->what.directory.string()}, {"branch", tree->what.branch}};
    return dump(out);
}

// What an earlier self of the call made that was cut off before it could answer; the same as it would have answered.
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
        if (!first->events.empty())
            co_return session::created{id, there->session.cwd, first->events.front().seq - 1};
        // The agent died before anybody was told of the session: what is left of it is being ended.
        if (steady_clock::now() >= deadline)
            co_return proto::fail(error_code::session_busy, "What an interrupted call left behind is still being ended.",
                                  "Repeat the call in a moment.");
        std::ignore = co_await s.log->read(its, 0, 1, milliseconds(100));
    }
}

// What the policy and the arguments say of a prompt, before anything is sent. A session that claude left on the disk
// becomes one of ours.
asio::awaitable<proto::result<void>> prepare(const services& s, const call_context& c) {
    if (auto prompt = s.rules->check_prompt(c.text("text")); !prompt) co_return std::unexpected(std::move(prompt.error()));
    const auto id = c.text("session_id");
    auto known = co_await s.sessions->get(id);
    if (!known && known.error().code == error_code::not_found) co_return co_await adopt(s, c, id);
    if (!known) co_return std::unexpected(std::move(known.error()));
    if (auto e = check_slug(c, known->session.slug, known->session.cwd)) co_return std::unexpected(std::move(*e));
    // The policy may have become stricter since the session was made.
    auto directory = s.rules->check_directory(known->session.cwd);
    if (!directory) co_return std::unexpected(std::move(directory.error()));
    if (*directory != known->session.cwd) co_return std::unexpected(replaced(known->session.cwd));
    if (known->session.status == "live") {
        auto mode = s.rules->check_permission_mode(known->session.permission_mode);
        if (mode) co_return proto::result<void>();
        mode.error().hint = "Dispose of the session: the next prompt then resumes it in a mode that is open.";
        co_return std::unexpected(std::move(mode.error()));
    }
    co_return co_await check_unused(s, id);
}

asio::awaitable<proto::result<session::sent>> send(const services& s, const call_context& c) {
    auto prepared = co_await prepare(s, c);
    if (!prepared) co_return std::unexpected(std::move(prepared.error()));
    session::prompt_request request;
    request.session_id = c.text("session_id");
    request.text = c.text("text");
    request.prompt_uuid = id_from_key(c.who, "prompt/" + request.session_id, c.text("idempotency_key"));
    request.depth = c.depth;
    co_return co_await s.sessions->send_prompt(std::move(request), c.who);
}

// Waits in slices, so that a client that wants progress sees some.
asio::awaitable<proto::result<session::turn_outcome>> wait_with_progress(const services& s, const call_context& c,
                                                                         session::wait_request wait) {
    constexpr milliseconds slice(10'000);
    const auto token = std::make_shared<session::wait_token>();
    wait.token = token;
    c.reply.on_cancel([token] { token->cancel(); });
    const auto begin = steady_clock::now();
    const auto deadline = begin + wait.timeout;
    proto::result<session::turn_outcome> outcome;
    for (;;) {
        const auto left = std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()));
        session::wait_request part = wait;
        part.timeout = c.wants_progress ? std::min(left, slice) : left;
        outcome = co_await s.sessions->wait_for_turn(std::move(part));
        if (!outcome || outcome->done || !outcome->pending.empty() || token->cancelled() || steady_clock::now() >= deadline)
            break;
        const std::chrono::duration<double> waited = steady_clock::now() - begin;
        const bool heard = co_await c.reply.progress(waited.count(), std::nullopt, "claude is working");
        if (!heard) break;
    }
    c.reply.on_cancel({});
    co_return outcome;
}

// The messages from the prompt's own on.
std::vector<std::string> of_this_turn(std::vector<std::string> messages, const std::string& prompt_uuid) {
    const auto is_prompt = [&](const std::string& text) {
        const auto message = json::parse(text, nullptr, false);
        return message.is_object() && message.value("role", "") == "user" &&
               message.value("id", "").find(prompt_uuid) != std::string::npos;
    };
    const auto newest = std::find_if(messages.rbegin(), messages.rend(), is_prompt);
    if (newest != messages.rend()) messages.erase(messages.begin(), std::prev(newest.base()));
    return messages;
}

}  // namespace

answer create_session(const services& s, const call_context& c) {
    std::string cwd = c.text("cwd");
    if (cwd.empty()) {
        auto directory = co_await directory_of(s, c.text("slug"));
        if (!directory) co_return std::unexpected(std::move(directory.error()));
        cwd = std::move(*directory);
    }
    auto directory = s.rules->check_directory(cwd);
    if (!directory) co_return std::unexpected(std::move(directory.error()));
    auto mode = s.rules->check_permission_mode(c.text("permission_mode"));
    if (!mode) co_return std::unexpected(std::move(mode.error()));

    session::create_request request;
    request.cwd = directory->string();
    request.title = c.text("title");
    request.model = c.text("model");
    request.permission_mode = *mode;
    request.include_partial_messages = c.arguments.value("include_partial_messages", false);
    request.session_id = id_from_key(c.who, "session", c.text("idempotency_key"));
    request.depth = c.depth;
    request.permission_expiry_s = c.number("permission_expiry_s", 0);

    std::optional<planned_worktree> tree;
    if (c.arguments.contains("worktree")) {
        if (request.session_id.empty()) request.session_id = session::random_uuid();
        auto planned = co_await plan_worktree(s, c, *directory, request.session_id);
        if (!planned) co_return std::unexpected(std::move(planned.error()));
        request.cwd = planned->cwd.string();
        tree = std::move(*planned);
    }

    if (!request.session_id.empty()) {
        auto before = co_await made_before(s, request.session_id);
        if (!before) co_return std::unexpected(std::move(before.error()));
        if (*before && (*before)->cwd != request.cwd)
            co_return proto::fail(error_code::idempotency_conflict,
                                  fmt::format("This idempotency_key made a session in {} before.", (*before)->cwd),
                                  "Use a new key for a new session.");
        if (*before) co_return created_json(s, **before, tree);
    }
    if (tree) {
        auto there = co_await make_worktree(s, c, *tree);
        if (!there) co_return std::unexpected(std::move(there.error()));
        directory = s.rules->check_directory(request.cwd);
        if (!directory) co_return std::unexpected(std::move(directory.error()));
    }
    auto made = co_await s.sessions->create(std::move(request), c.who);
    if (!made && tree) co_await unmake_worktree(s, *tree);
    if (!made) co_return std::unexpected(std::move(made.error()));
    // Between the check and the start somebody may have put a symbolic link in the directory's place.
    if (made->cwd != *directory) {
        std::ignore = co_await s.sessions->dispose(made->session_id);
        co_return std::unexpected(replaced(directory->string()));
    }
    co_await record_base(s, made->session_id, made->cwd);
    co_return created_json(s, *made, tree);
}

answer send_prompt(const services& s, const call_context& c) {
    auto sent = co_await send(s, c);
    if (!sent) co_return std::unexpected(std::move(sent.error()));
    co_return dump(json{
        {"ok", true}, {"via", sent->via}, {"promptId", sent->prompt_uuid}, {"cursor", cursor_at(s, sent->cursor)}});
}

answer send_and_wait(const services& s, const call_context& c) {
    const milliseconds wanted(c.number("timeout_ms", proto::limits::send_and_wait_ms_default));
    auto sent = co_await send(s, c);
    if (!sent) co_return std::unexpected(std::move(sent.error()));
    session::wait_request wait;
    wait.session_id = c.text("session_id");
    wait.prompt_uuid = sent->prompt_uuid;
    // Clients cut a call without progress at 60 s.
    wait.timeout = c.wants_progress ? wanted : std::min(wanted, milliseconds(proto::limits::send_and_wait_cut_ms));
    const auto begin = steady_clock::now();
    auto outcome = co_await wait_with_progress(s, c, std::move(wait));
    if (!outcome) co_return std::unexpected(std::move(outcome.error()));
    c.journal.provisional = !outcome->done;  // the same call again waits on

    json out{{"ok", !outcome->is_error},
             {"done", outcome->done},
             {"timedOut", !outcome->done && outcome->pending.empty() && steady_clock::now() - begin >= wanted},
             {"sessionId", c.text("session_id")},
             {"via", sent->via},
             {"promptId", sent->prompt_uuid},
             {"cursor", cursor_at(s, outcome->done ? outcome->cursor : sent->cursor)}};
    if (!outcome->text.empty()) out["text"] = outcome->text;
    if (outcome->is_error) {
        out["is_error"] = true;
        out["error"] = outcome->error;
    }
    auto result = json::parse(outcome->result, nullptr, false);
    if (result.is_object()) out["result"] = std::move(result);
    out["pending_permissions"] = permissions_json(outcome->pending);
    auto conversation = co_await events::read_conversation(*s.log, c.text("session_id"));
    if (!conversation) co_return std::unexpected(std::move(conversation.error()));
    std::string text = dump(out);
    text.back() = ',';
    co_return text + R"("messages":)" + raw_array(of_this_turn(std::move(conversation->messages), sent->prompt_uuid)) + "}";
}

}  // namespace agent::tools
