#include "hub/relay/machine_finder.hpp"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "hub/relay/fan_out.hpp"
#include "proto/limits.hpp"

namespace hub::relay {

namespace asio = boost::asio;
namespace limits = proto::limits;
using proto::error_code;
using clock = std::chrono::steady_clock;

namespace {

proto::error database_error(const tenancy::error& e) {
    if (e.code == tenancy::errc::unavailable)
        return {error_code::route_unavailable, "The hub's database does not answer.", "Try again in a moment.", {}};
    return {error_code::internal,
            "The hub could not look up the machine.",
            "Try again; tell the hub's operator if it stays.",
            {}};
}

// So long a revoked machine may still be called.
constexpr std::chrono::seconds confirmed_for(1);

proto::error overloaded() { return {error_code::resource_exhausted, "The hub is busy.", "Try again in a moment.", {}}; }

std::string choices(const std::vector<tenancy::machine>& machines) {
    auto list = nlohmann::json::array();
    for (const auto& m : machines) list.push_back({{"machine_id", m.id}, {"name", m.name}});
    return nlohmann::json{{"machines", std::move(list)}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string names(const std::vector<tenancy::machine>& machines) {
    std::string text;
    for (const auto& m : machines) text += (text.empty() ? "" : ", ") + m.name;
    return text;
}

}  // namespace

std::string to_iso_time(std::int64_t unix_ms) {
    const std::time_t seconds = unix_ms / 1000;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc);
}

machine_finder::machine_finder(tenancy::store& store, common::async::blocking_pool& pool, links::registry& links,
                               directory::sessions& sessions)
    : store_(store), pool_(pool), links_(links), sessions_(sessions) {}

asio::awaitable<proto::result<std::vector<tenancy::machine>>> machine_finder::machines(proto::principal who) {
    auto listed = co_await pool_.run([this, &who] {
        tenancy::result<std::vector<tenancy::machine>> all;
        for (const auto& workspace : who.workspace_ids()) {
            auto of_one = store_.list_machines(workspace);
            if (!of_one) return of_one;
            all->insert(all->end(), std::make_move_iterator(of_one->begin()), std::make_move_iterator(of_one->end()));
        }
        return all;
    });
    if (!listed) co_return std::unexpected(overloaded());
    if (!*listed) co_return std::unexpected(database_error(listed->error()));
    std::erase_if(**listed, [&](const auto& m) {
        if (m.state != tenancy::machine_state::revoked) return !who.may_reach(m.id);
        end_revoked(m);
        return true;
    });
    std::ranges::sort(**listed, {}, &tenancy::machine::name);
    co_return std::move(**listed);
}

asio::awaitable<proto::result<tenancy::machine>> machine_finder::machine(proto::principal who, std::string id_or_name) {
    const auto looked_up = co_await pool_.run([this, &who, &id_or_name] {
        std::vector<tenancy::result<tenancy::machine>> each;
        for (const auto& workspace : who.workspace_ids()) each.push_back(store_.find_machine(workspace, id_or_name));
        return each;
    });
    if (!looked_up) co_return std::unexpected(overloaded());
    std::vector<tenancy::machine> named;
    for (const auto& found : *looked_up) {
        if (!found && found.error().code != tenancy::errc::not_found && found.error().code != tenancy::errc::invalid)
            co_return std::unexpected(database_error(found.error()));
        if (!found) continue;
        const bool is_revoked = found->state == tenancy::machine_state::revoked;
        if (is_revoked) end_revoked(*found);
        if (!is_revoked && who.may_reach(found->id)) named.push_back(*found);
    }
    if (named.size() == 1) co_return std::move(named.front());
    if (named.size() > 1)
        co_return proto::fail(error_code::machine_ambiguous,
                              fmt::format("Machines in several of your workspaces have the name {}.", id_or_name),
                              "Name the one by its id in `machine`; list_machines tells them.", choices(named));
    co_return proto::fail(error_code::not_found, fmt::format("There is no machine {}.", id_or_name),
                          "list_machines tells the machines of this workspace.");
}

// Revoked by another process: whoever notices first ends its link.
void machine_finder::end_revoked(const tenancy::machine& machine) {
    sessions_.forget_machine(machine.id);
    if (const auto link = links_.find(machine.id)) link->close(proto::close_code::revoked, "This machine was revoked.");
}

machine_finder::found_link machine_finder::link_of(tenancy::machine machine) {
    const auto deadline = clock::now() + std::chrono::milliseconds(limits::machine_offline_grace_ms);
    auto link = co_await links_.wait_for(machine.id, deadline);
    if (link) {
        link->confirmed_until = clock::now() + confirmed_for;
        co_return link;
    }
    if (machine.state == tenancy::machine_state::quarantined)
        co_return proto::fail(error_code::machine_offline,
                              fmt::format("The machine {} is in quarantine: its key was seen twice.", machine.name),
                              "An admin must enrol it again with a new join token.");
    const std::string seen = machine.last_seen_at ? to_iso_time(*machine.last_seen_at) : "never";
    nlohmann::json details{{"machine_id", machine.id}, {"name", machine.name}, {"last_seen", nullptr}};
    if (machine.last_seen_at) details["last_seen"] = *machine.last_seen_at;
    co_return proto::fail(error_code::machine_offline,
                          fmt::format("The machine {} is not linked to the hub; last seen: {}.", machine.name, seen),
                          "Is it switched on, and does `codez agent` run there? Try again later.",
                          details.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::vector<std::shared_ptr<links::link>> machine_finder::links_of(const proto::principal& who) const {
    std::vector<std::shared_ptr<links::link>> up;
    for (const auto& workspace : who.workspace_ids())
        std::ranges::copy(links_.of_workspace(workspace), std::back_inserter(up));
    std::erase_if(up, [&](const auto& link) { return !who.may_reach(link->machine().machine().machine_id); });
    return up;
}

machine_finder::found_link machine_finder::by_name(proto::principal who, std::string id_or_name) {
    if (!id_or_name.empty()) {
        const auto up = links_.find(id_or_name);
        const bool is_theirs = up && who.within(up->workspace_id) && who.may_reach(id_or_name);
        if (is_theirs && clock::now() < up->confirmed_until) co_return up;
        auto found = co_await machine(who, id_or_name);
        if (!found) co_return std::unexpected(std::move(found.error()));
        co_return co_await link_of(std::move(*found));
    }
    auto all = co_await machines(who);
    if (!all) co_return std::unexpected(std::move(all.error()));
    if (all->empty())
        co_return proto::fail(error_code::not_found, "This workspace has no machine yet.",
                              "Enrol one: run `codez setup --hub URL --join` on it.");
    if (all->size() > 1)
        co_return proto::fail(error_code::machine_ambiguous, "This workspace has several machines.",
                              fmt::format("Name one in `machine`: {}.", names(*all)), choices(*all));
    co_return co_await link_of(std::move(all->front()));
}

asio::awaitable<machine_finder::ownership> machine_finder::who_has(proto::principal who, std::string session_id,
                                                                   std::string request_id) {
    const auto linked = links_of(who);
    fan_out asked(linked);
    fan_out_request request;
    request.header.tool = "codez.has_session";
    request.header.who = who;
    request.header.request_id = std::move(request_id);
    request.arguments = {
        nlohmann::json{{"session_id", session_id}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
    request.timeout = std::chrono::milliseconds(limits::fan_out_ms_max);
    const auto answers = co_await asked.collect(std::move(request));
    ownership told;
    for (std::size_t i = 0; i < answers.size(); ++i) {  // in the order of the links
        const auto& answer = answers[i];
        if (!answer.result) continue;
        const auto value = answer.result->find("has");
        if (value == answer.result->end() || !value->is_boolean()) continue;
        (value->get<bool>() ? told.having : told.lacking).push_back(answer.machine_id);
        if (value->get<bool>()) sessions_.note(linked[i]->workspace_id, answer.machine_id, session_id);
    }
    co_return told;
}

machine_finder::found_link machine_finder::by_session(proto::principal who, std::string session_id, std::string machine,
                                                      std::string request_id) {
    if (!machine.empty()) co_return co_await by_name(who, std::move(machine));
    ownership told;
    for (const auto& workspace : who.workspace_ids())
        std::ranges::copy(sessions_.machines_with(workspace, session_id), std::back_inserter(told.having));
    std::erase_if(told.having, [&](const auto& id) { return !who.may_reach(id); });
    if (told.having.size() == 1) {
        auto link = co_await by_name(who, told.having.front());
        if (link || link.error().code != error_code::not_found) co_return link;
        sessions_.forget_machine(told.having.front());  // the machine was removed since
        told.having.clear();
    }
    if (told.having.empty()) {
        told = co_await who_has(who, session_id, std::move(request_id));
        if (told.having.size() == 1) co_return co_await by_name(who, told.having.front());
    }

    auto all = co_await machines(who);
    if (!all) co_return std::unexpected(std::move(all.error()));
    const auto keep = [&](const auto& wanted) { std::erase_if(*all, [&](const auto& m) { return !wanted(m); }); };
    const auto among = [](const std::vector<std::string>& ids, const tenancy::machine& m) {
        return std::ranges::find(ids, m.id) != ids.end();
    };
    if (told.having.size() > 1) {
        keep([&](const auto& m) { return among(told.having, m); });
        if (all->size() == 1) co_return co_await link_of(std::move(all->front()));  // the others were removed
        co_return proto::fail(error_code::machine_ambiguous,
                              fmt::format("Several machines have a session of this id: {}.", names(*all)),
                              "Name the machine in `machine`.", choices(*all));
    }
    // Nobody has said yes. Who has not said no may be linking just now, or be away, and then it may well be there.
    const bool only_one = all->size() == 1;
    keep([&](const auto& m) { return !among(told.lacking, m); });
    if (only_one && !all->empty()) co_return co_await link_of(std::move(all->front()));
    if (all->empty())
        co_return proto::fail(error_code::not_found, fmt::format("There is no session {}.", session_id),
                              "list_sessions tells the sessions.");
    if (std::ranges::any_of(*all, [&](const auto& m) { return links_.find(m.id) != nullptr; }))
        co_return proto::fail(
            error_code::route_unavailable,
            fmt::format("These machines did not tell whether they have the session: {}.", names(*all)),
            "Try again in a moment, or name the machine in `machine`.");
    co_return proto::fail(error_code::machine_offline,
                          fmt::format("No linked machine has a session {}; these are offline and may have it: {}.",
                                      session_id, names(*all)),
                          "Try again later. list_sessions tells the sessions of the linked machines.", choices(*all));
}

}  // namespace hub::relay
