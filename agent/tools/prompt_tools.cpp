// The tools that make claude work: create_session, send_prompt. For send_and_wait see wait_tools.cpp.
#include <fmt/format.h>

#include "agent/claude/start_options.hpp"
#include "agent/history/projects.hpp"
#include "agent/session/uuid.hpp"
#include "agent/tools/derived_id.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/made_session.hpp"
#include "agent/tools/open_session.hpp"
#include "agent/tools/prompt_delivery.hpp"
#include "agent/tools/session_base.hpp"
#include "agent/tools/session_json.hpp"
#include "agent/tools/session_match.hpp"
#include "agent/tools/session_worktree.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

namespace asio = boost::asio;
using nlohmann::json;
using proto::error_code;

namespace {

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

// The further options among the arguments, by their names.
json options_of(const json& arguments) {
    json out = json::object();
    for (const auto name : claude::option_names)
        if (const auto found = arguments.find(name); found != arguments.end()) out[std::string(name)] = *found;
    return out;
}

std::string created_json(const services& s, const session::created& made, const std::optional<planned_worktree>& tree) {
    json out = made_json(s, made);
    if (tree) out["worktree"] = {{"path", tree->what.directory.string()}, {"branch", tree->what.branch}};
    return dump(out);
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
    auto options = s.rules->check_session_options(options_of(c.arguments), c.remote);
    if (!options) co_return std::unexpected(std::move(options.error()));
    request.options = {dump(*options), c.remote};
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
    c.journal.made_session = made->session_id;
    co_await record_base(s, made->session_id, made->cwd);
    co_return created_json(s, *made, tree);
}

answer send_prompt(const services& s, const call_context& c) {
    auto sent = co_await deliver_prompt(s, c, same_text::is_sent);
    if (!sent) co_return std::unexpected(std::move(sent.error()));
    json out{{"ok", true}, {"via", sent->via}, {"promptId", sent->prompt_uuid}, {"cursor", cursor_at(s, sent->cursor)}};
    if (sent->queue_position > 0) out["queuePosition"] = sent->queue_position;
    co_return dump(out);
}

}  // namespace agent::tools
