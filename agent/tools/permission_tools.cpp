// The tools for permission requests: respond_permission, revoke_grant, list_permissions.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "agent/events/permission_rows.hpp"
#include "agent/events/prompt_rows.hpp"
#include "agent/local/caller.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/permission_answers.hpp"
#include "agent/tools/session_json.hpp"
#include "proto/catalogue.hpp"
#include "proto/limits.hpp"

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

events::answerer_kind kind_of(const proto::principal& who, bool remote) {
    if (!remote) return events::answerer_kind::local;
    return who.is_person ? events::answerer_kind::person : events::answerer_kind::client;
}

// A session must not allow itself, or another that it steers, what it was not allowed.
proto::result<void> check_outside_of_sessions(const proto::principal& who) {
    const std::string_view client = who.client_id;
    if (client.starts_with(local::session_client))
        return proto::fail(error_code::permission_denied,
                           "A program that runs in a session does not answer permission requests.",
                           "Answer it from outside of the session, or through the hub.");
    if (client == local::hidden_client)
        return proto::fail(error_code::permission_denied,
                           "The calling program could not be found on this machine, so it may run in a session.",
                           "Answer from a program whose open files the agent's user can see, or through the hub.");
    return {};
}

proto::result<void> check_answerer(const services& s, const proto::principal& who, bool remote) {
    return remote ? s.rules->check_remote_permission_response(who.is_person) : check_outside_of_sessions(who);
}

// Has this caller sent a prompt that is not done, or the newest one?
asio::awaitable<proto::result<bool>> prompted_by(const services& s, std::string session_id, std::string key) {
    const auto found = std::make_shared<bool>(false);
    std::function<void(common::db::connection&)> look = [=](common::db::connection& c) {
        const auto newest = events::last_prompt(c, session_id);
        *found = (newest && newest->principal == key) ||
                 std::ranges::any_of(events::open_prompts(c, session_id),
                                     [&](const auto& prompt) { return prompt.principal == key; });
    };
    const auto looked = co_await s.log->run(std::move(look));
    if (!looked) co_return std::unexpected(looked.error());
    co_return *found;
}

// Where the request is, for who sees no more of the session than this. An input that is long stays out: get_session has it.
json listed_json(const session::pending_permission& p, const session::summary* of, const machine_identity& machine) {
    json out = permission_json(p);
    if (p.input.size() > proto::limits::listed_input_bytes_max) out.erase("input");
    if (p.suggestions.size() > proto::limits::listed_input_bytes_max) out.erase("suggestions");
    out["machine"] = machine.id;
    out["machineName"] = machine.name;
    if (of == nullptr) return out;
    out["cwd"] = of->cwd;
    if (!of->title.empty()) out["sessionTitle"] = of->title;
    return out;
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
    const auto behavior = c.text("behavior");
    if (behavior != "deny") given.behavior = session::permission_behavior::allow;
    given.for_session = behavior == "allow_for_session";
    return given;
}

}  // namespace

proto::result<void> may_answer_permissions(const services& s, const call_context& c) {
    const auto& scope = proto::tools().find("respond_permission")->scope;
    if (!c.who.has_scope(scope))
        return proto::fail(error_code::permission_denied,
                           fmt::format("This needs the scope {}, which the credential does not have.", scope),
                           "Use a credential with that scope.", json{{"scope", scope}}.dump());
    return check_answerer(s, c.who, c.remote);
}

proto::result<void> may_answer_own_prompt(const services& s, const call_context& c) {
    if (auto open = may_answer_permissions(s, c); !open) return open;
    return s.rules->check_self_approval(c.who.is_person);
}

asio::awaitable<proto::result<void>> answer_permission(const services& s, const proto::principal& who, bool remote,
                                                       session::permission_answer given) {
    if (auto open = check_answerer(s, who, remote); !open) co_return open;
    auto prompted = co_await prompted_by(s, given.session_id, who.key());
    if (!prompted) co_return std::unexpected(std::move(prompted.error()));
    if (*prompted) {
        if (auto open = s.rules->check_self_approval(who.is_person); !open) co_return open;
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
    given.by = kind_of(who, remote);
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

answer revoke_grant(const services& s, const call_context& c) {
    const auto id = c.text("session_id");
    const auto grant = c.text("grant_id");
    auto count = co_await s.sessions->revoke_grants(id, grant, {kind_of(c.who, c.remote), c.who.name});
    if (!count) co_return std::unexpected(std::move(count.error()));
    // The same call of before may have done it already.
    if (*count == 0 && !grant.empty() && !c.journal.begun_at)
        co_return proto::fail(error_code::not_found, fmt::format("The session has no grant {}.", grant),
                              "get_session lists its grants.");
    co_return dump(json{{"ok", true}, {"revoked", *count}});
}

answer list_permissions(const services& s, const call_context&) {
    auto pending = co_await s.sessions->pending_permissions({});
    if (!pending) co_return std::unexpected(std::move(pending.error()));
    std::map<std::string, std::optional<session::summary>> sessions;
    json list = json::array();
    std::size_t bytes = 0;
    bool truncated = false;
    for (const auto& one : *pending) {
        auto found = sessions.find(one.session_id);
        if (found == sessions.end()) {
            auto read = co_await s.sessions->get(one.session_id);
            std::optional<session::summary> of;
            if (read) of = std::move(read->session);
            found = sessions.emplace(one.session_id, std::move(of)).first;
        }
        json item = listed_json(one, found->second ? &*found->second : nullptr, *s.machine);
        bytes += dump(item).size();
        truncated = bytes > proto::limits::listed_permissions_bytes_max;
        if (truncated) break;
        list.push_back(std::move(item));
    }
    json out{{"permissions", std::move(list)}};
    if (truncated) out["truncated"] = true;
    co_return dump(out);
}

}  // namespace agent::tools
