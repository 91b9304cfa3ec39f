// Which calls go where, and which go nowhere.
#include "hub/relay/router.hpp"

#include <algorithm>

#include "proto/catalogue.hpp"
#include "proto/limits.hpp"
#include "tests/hub/relay/relay_fixture.hpp"

namespace hub::relay {
namespace {

using nlohmann::json;
using proto::error_code;

class routers : public tests::relay_fixture {};

TEST_F(routers, every_tool_of_the_catalogue_is_there) {
    const auto listed = json::parse(router_.tools(who()));
    EXPECT_EQ(listed.size(), proto::tools().names().size());
    for (const auto& tool : listed) EXPECT_TRUE(router_.has_tool(tool["name"].get<std::string>()));
    EXPECT_FALSE(router_.has_tool("codez.has_session")) << "what hubs ask is for no client";
    EXPECT_FALSE(router_.has_tool("events.read"));
    EXPECT_EQ(ask("events.read")->error().code, error_code::not_found);
    EXPECT_FALSE(router_.instructions().empty());
}

TEST_F(routers, a_credential_needs_the_tools_scope) {
    const auto box = add("box");
    always(box, "{}");
    const auto call = std::make_shared<tests::asked_call>();
    call->tool = "create_session";
    call->arguments = R"({"cwd":"/x"})";
    call->who = who();
    call->who.scopes = {"sessions:read"};
    finish(begin(call));
    EXPECT_EQ(call->error().code, error_code::permission_denied);
    EXPECT_NE(call->error().message.find("sessions:write"), std::string::npos);
    EXPECT_TRUE(box.machine->calls.empty());
}

TEST_F(routers, who_is_in_several_workspaces_may_in_each_what_their_role_there_allows) {
    const auto other = store_->create_workspace("Other").value().id;
    ASSERT_TRUE(store_->set_membership(other, owner_, tenancy::role::owner));
    const auto mine = add("mine");
    const auto theirs = add("theirs", other);
    for (const auto* one : {&mine, &theirs}) always(*one, R"({"ok":true,"sessions":[]})");
    const auto ask_as_both = [&](const std::string& tool, const json& arguments) {
        const auto call = std::make_shared<tests::asked_call>();
        call->tool = tool;
        call->arguments = arguments.dump();
        call->who = who();
        call->who.scopes = {"mcp:tools"};
        call->who.workspaces = {{workspace_, {"mcp:tools"}}, {other, {"sessions:read", "machines:read"}}};
        finish(begin(call));
        return call;
    };
    EXPECT_TRUE(ask_as_both("create_session", {{"cwd", "/x"}, {"machine", "mine"}})->outcome.value());
    const auto refused = ask_as_both("create_session", {{"cwd", "/x"}, {"machine", "theirs"}});
    EXPECT_EQ(refused->error().code, error_code::permission_denied);
    EXPECT_TRUE(theirs.machine->calls.empty());

    // What a machine is told of the caller is what they are in its own workspace.
    EXPECT_TRUE(ask_as_both("list_sessions", json::object())->outcome.value());
    ASSERT_EQ(theirs.machine->calls.size(), 1U);
    const auto& told = theirs.machine->calls.front().header.who;
    EXPECT_EQ(told.workspace_id, other);
    EXPECT_FALSE(told.has_scope("sessions:write"));
    EXPECT_EQ(mine.machine->calls.back().header.who.workspace_id, workspace_);
    // And it stands in the audit of the machine's workspace.
    run(audit_.flush(std::chrono::steady_clock::now() + std::chrono::seconds(10)));
    const auto audited = store_->list_audit(other, {}).value();
    EXPECT_TRUE(std::ranges::any_of(audited, [](const auto& e) { return e.action == "call.create_session"; }));
}

TEST_F(routers, sessions_do_not_start_sessions_without_end) {
    const auto box = add("box");
    const auto call = std::make_shared<tests::asked_call>();
    call->tool = "create_session";
    call->arguments = R"({"cwd":"/x"})";
    call->who = who();
    call->depth = proto::limits::call_depth_max;
    finish(begin(call));
    EXPECT_EQ(call->error().code, error_code::recursion_limit_exceeded);
    EXPECT_TRUE(box.machine->calls.empty());
}

TEST_F(routers, wrong_arguments_are_told_before_wrong_places) {
    // There is no machine, but the caller can do something about this:
    const auto odd = ask("create_session", {{"cwd", 7}});
    EXPECT_EQ(odd->error().code, error_code::invalid_argument);
    EXPECT_NE(odd->error().message.find("`cwd`"), std::string::npos);
    EXPECT_EQ(ask("create_session", {{"cwd", "/x"}})->error().code, error_code::not_found);
    EXPECT_EQ(ask("list_machines", {{"surprise", 1}})->error().code, error_code::invalid_argument);
    EXPECT_EQ(ask("get_session")->error().code, error_code::invalid_argument);
    EXPECT_EQ(ask("get_session", {{"session_id", 7}})->error().code, error_code::invalid_argument);
    EXPECT_EQ(ask("get_session", json::array())->error().code, error_code::invalid_argument);
}

TEST_F(routers, a_named_machine_gets_the_call) {
    const auto a = add("a");
    const auto b = add("b");
    for (const auto& one : {a, b}) always(one, R"({"ok":true})");
    ask("create_session", {{"cwd", "/x"}, {"machine", "b"}});
    EXPECT_EQ(b.machine->calls.size(), 1U);
    EXPECT_EQ(ask("create_session", {{"cwd", "/x"}})->error().code, error_code::machine_ambiguous);
    ask("list_sessions", {{"machine", "a"}});
    EXPECT_EQ(a.machine->calls.size(), 1U);
    EXPECT_EQ(b.machine->calls.size(), 1U) << "who names one machine does not ask all";
}

TEST_F(routers, an_older_machine_is_not_sent_what_it_does_not_know) {
    auto identity = enrol("old");
    identity.tools = {"get_session"};
    const auto machine = link_up(identity);
    const auto call = ask("create_session", {{"cwd", "/x"}});
    EXPECT_EQ(call->error().code, error_code::unsupported_by_machine);
    EXPECT_TRUE(machine->calls.empty());
}

TEST_F(routers, machines_are_given_the_time_that_the_call_may_take) {
    const auto box = add("box");
    always(box, "{}");
    sessions_.note(workspace_, box.id(), "s_1");
    const auto deadline = [&](const std::string& tool, const json& arguments) {
        ask(tool, arguments);
        return box.machine->calls.back().header.deadline_ms;
    };
    const auto poll = deadline("poll_events", {{"session_id", "s_1"}, {"timeout_ms", 20'000}});
    EXPECT_GT(poll, 20'000);
    EXPECT_LT(poll, 40'000);
    EXPECT_GT(deadline("poll_events", {{"session_id", "s_1"}}), proto::limits::poll_wait_ms_default);
    const auto wait = deadline("send_and_wait", {{"session_id", "s_1"}, {"text", "x"}, {"timeout_ms", 3'000'000}});
    EXPECT_GT(wait, proto::limits::send_and_wait_cut_ms);
    EXPECT_LT(wait, 100'000) << "clients cut a call without progress";
    EXPECT_LT(deadline("get_session", {{"session_id", "s_1"}}), 60'000);
}

}  // namespace
}  // namespace hub::relay
