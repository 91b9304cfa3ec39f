// The tools that change a session: update_session.
#include <utility>

#include "agent/tools/handlers.hpp"
#include "agent/tools/open_session.hpp"
#include "agent/tools/permission_answers.hpp"
#include "agent/tools/session_json.hpp"

namespace agent::tools {

using nlohmann::json;
using proto::error_code;

answer update_session(const services& s, const call_context& c) {
    session::update_request wanted;
    wanted.session_id = c.text("session_id");
    wanted.title = c.text("title");
    wanted.model = c.text("model");
    wanted.effort = c.text("effort");
    if (const auto mode = c.text("permission_mode"); !mode.empty()) {
        if (auto open = may_answer_permissions(s, c); !open) co_return std::unexpected(std::move(open.error()));
        auto allowed = s.rules->check_permission_mode(mode);
        if (!allowed) co_return std::unexpected(std::move(allowed.error()));
        wanted.permission_mode = *allowed;
    }
    auto known = co_await open_session(s, c);
    if (!known) co_return std::unexpected(std::move(known.error()));
    auto done = co_await s.sessions->update(wanted);
    if (!done) co_return std::unexpected(std::move(done.error()));
    auto now = co_await s.sessions->get(wanted.session_id);
    if (!now) co_return std::unexpected(std::move(now.error()));
    co_return dump(json{{"ok", true}, {"session", session_json(now->session, *s.machine)}});
}

}  // namespace agent::tools
