// The tools for permission requests: respond_permission.
#include <utility>

#include "agent/events/permission_rows.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/permission_answers.hpp"

namespace agent::tools {

namespace asio = boost::asio;
using nlohmann::json;
using proto::error_code;

namespace {

// Was the request answered in this sense since then? For a call that was cut off after it had acted.
asio::awaitable<bool> answered_since(const services& s, session::permission_answer given, std::int64_t begun_at) {
    const auto row = std::make_shared<std::optional<events::permission_row>>();
    std::function<void(common::db::connection&)> look = [row, given](common::db::connection& c) {
        *row = events::find_permission(c, given.session_id, given.request_id);
    };
    const auto looked = co_await s.log->run(std::move(look));
    if (!looked || !*row) co_return false;
    const auto wanted = given.behavior == session::permission_behavior::allow ? events::permission_state::allowed
                                                                              : events::permission_state::denied;
    co_return (*row)->state == wanted && (*row)->answered_at.value_or(0) >= begun_at;
}

// An argument as raw JSON; empty if it is not there.
std::string raw(const call_context& c, const char* name) {
    const auto found = c.arguments.find(name);
    return found == c.arguments.end() ? std::string() : dump(*found);
}

session::permission_answer read_answer(const call_context& c) {
    session::permission_answer given;
    given.session_id = c.text("session_id");
    given.request_id = c.text("request_id");
    given.message = c.text("message");
    given.interrupt = c.arguments.value("interrupt", false);
    given.updated_input = raw(c, "updated_input");
    given.updated_permissions = raw(c, "updated_permissions");
    given.answers = raw(c, "answers");
    given.permission_mode = c.text("permission_mode");
    if (c.text("behavior") == "allow") given.behavior = session::permission_behavior::allow;
    return given;
}

}  // namespace

asio::awaitable<proto::result<void>> answer_permission(const services& s, const proto::principal& who, bool remote,
                                                       session::permission_answer given) {
    if (remote) {
        if (auto open = s.rules->check_remote_permission_response(); !open) co_return open;
    }
    const auto updates = json::parse(given.updated_permissions, nullptr, false);
    if (updates.is_array()) {
        const auto from = remote ? call_origin::link : call_origin::machine;
        if (auto open = s.rules->check_permission_updates(updates, from); !open) co_return open;
    }
    if (!given.permission_mode.empty()) {
        if (auto mode = s.rules->check_permission_mode(given.permission_mode); !mode)
            co_return std::unexpected(std::move(mode.error()));
    }
    given.by = !remote         ? events::answerer_kind::local
               : who.is_person ? events::answerer_kind::person
                               : events::answerer_kind::client;
    co_return co_await s.sessions->respond_permission(std::move(given), who);
}

answer respond_permission(const services& s, const call_context& c) {
    const auto given = read_answer(c);
    auto done = co_await answer_permission(s, c.who, c.remote, given);
    if (!done && c.journal.begun_at) {
        const bool own = co_await answered_since(s, given, *c.journal.begun_at);
        if (own) done = {};
    }
    if (!done) co_return std::unexpected(std::move(done.error()));
    co_return std::string(R"({"ok":true})");
}

}  // namespace agent::tools
