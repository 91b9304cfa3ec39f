// Which machine a call goes to: by name, by session, and what is said when that cannot be known.
#include "hub/relay/machine_finder.hpp"

#include "tests/hub/relay/relay_fixture.hpp"

namespace hub::relay {
namespace {

using nlohmann::json;
using proto::error_code;
using found = proto::result<std::shared_ptr<links::link>>;

class machine_finders : public tests::relay_fixture {
protected:
    found by_name(const std::string& name, const std::string& workspace) {
        auto as = who();
        as.workspace_id = workspace;
        return run(machines_.by_name(as, name));
    }
    found by_name(const std::string& name) { return by_name(name, workspace_); }
    found by_session(const std::string& id, const std::string& machine = {}) {
        return run(machines_.by_session(who(), id, machine, "req_1"));
    }
    static error_code code(const found& f) { return f ? error_code::internal : f.error().code; }
    static std::string id_of(const found& f) { return f ? (*f)->machine().machine().machine_id : f.error().message; }
};

TEST_F(machine_finders, by_id_and_by_name) {
    const auto b = add("Box");
    EXPECT_EQ(id_of(by_name(b.id())), b.id());
    EXPECT_EQ(id_of(by_name("box")), b.id());
    EXPECT_EQ(code(by_name("other")), error_code::not_found);
}

TEST_F(machine_finders, somebody_elses_is_told_like_one_that_does_not_exist) {
    const auto other = store_->create_workspace("Other").value().id;
    ASSERT_TRUE(store_->set_membership(other, owner_, tenancy::role::owner));
    const auto theirs = add("theirs", other);
    EXPECT_EQ(id_of(by_name(theirs.id(), other)), theirs.id());
    for (const auto& name : {theirs.id(), std::string("theirs")}) {
        const auto refused = by_name(name);
        EXPECT_EQ(code(refused), error_code::not_found);
        EXPECT_EQ(refused.error().message, "There is no machine " + name + ".");
    }
    sessions_.note(other, theirs.id(), "s_1");
    EXPECT_EQ(code(by_session("s_1")), error_code::not_found);
}

TEST_F(machine_finders, what_a_credential_does_not_reach_is_told_like_what_does_not_exist) {
    const auto a = add("a");
    const auto b = add("b");
    auto few = who();
    few.machines = std::vector<std::string>{a.id()};
    EXPECT_EQ(id_of(run(machines_.by_name(few, "a"))), a.id());
    EXPECT_EQ(id_of(run(machines_.by_name(few, ""))), a.id()) << "the only one";
    // Twice: the first answer confirms the link, so that the second needs no database.
    for (const auto& name : {b.id(), b.id(), std::string("b")}) {
        EXPECT_EQ(id_of(run(machines_.by_name(who(), name))), b.id());
        EXPECT_EQ(code(run(machines_.by_name(few, name))), error_code::not_found) << name;
    }
    EXPECT_EQ(run(machines_.machines(few)).value().size(), 1U);
    EXPECT_EQ(machines_.links_of(few).size(), 1U);
    sessions_.note(workspace_, b.id(), "s_1");
    EXPECT_EQ(id_of(run(machines_.by_session(few, "s_1", "", "req_1"))), a.id())
        << "which says that it does not have it";
    EXPECT_EQ(id_of(run(machines_.by_session(who(), "s_1", "", "req_1"))), b.id());
    few.machines = std::vector<std::string>();
    EXPECT_EQ(code(run(machines_.by_name(few, "a"))), error_code::not_found);
}

TEST_F(machine_finders, who_is_in_several_workspaces_finds_the_machines_of_all) {
    const auto other = store_->create_workspace("Other").value().id;
    ASSERT_TRUE(store_->set_membership(other, owner_, tenancy::role::owner));
    const auto strange = store_->create_workspace("Strange").value().id;
    ASSERT_TRUE(store_->set_membership(strange, owner_, tenancy::role::owner));
    const auto a = add("a");
    const auto b = add("b", other);
    const auto c = add("c", strange);
    auto both = who();
    both.workspaces = {{workspace_, both.scopes}, {other, both.scopes}};
    for (const auto* one : {&a, &b}) EXPECT_EQ(id_of(run(machines_.by_name(both, one->id()))), one->id());
    EXPECT_EQ(id_of(run(machines_.by_name(both, "b"))), b.id());
    EXPECT_EQ(code(run(machines_.by_name(both, ""))), error_code::machine_ambiguous);
    EXPECT_EQ(code(run(machines_.by_name(both, c.id()))), error_code::not_found);
    EXPECT_EQ(run(machines_.machines(both)).value().size(), 2U);
    EXPECT_EQ(machines_.links_of(both).size(), 2U);

    a.machine->on_call = [&](const auto& call) { a.machine->answer(call.id, R"({"has":false})"); };
    b.machine->on_call = [&](const auto& call) { b.machine->answer(call.id, R"({"has":true})"); };
    EXPECT_EQ(id_of(run(machines_.by_session(both, "s_1", "", "req_1"))), b.id());
    EXPECT_EQ(sessions_.machines_with(other, "s_1"), std::vector{b.id()}) << "noted where the machine is";
    EXPECT_TRUE(sessions_.machines_with(workspace_, "s_1").empty());

    const auto twin = add("b");
    EXPECT_EQ(code(run(machines_.by_name(both, "b"))), error_code::machine_ambiguous);
    EXPECT_EQ(id_of(run(machines_.by_name(both, twin.id()))), twin.id());
}

TEST_F(machine_finders, the_only_one_need_not_be_named) {
    EXPECT_EQ(code(by_name("")), error_code::not_found);
    const auto a = add("a");
    EXPECT_EQ(id_of(by_name("")), a.id());
    const auto b = add("b");
    const auto ambiguous = by_name("");
    EXPECT_EQ(code(ambiguous), error_code::machine_ambiguous);
    EXPECT_EQ(json::parse(ambiguous.error().details)["machines"].size(), 2U);
    EXPECT_NE(ambiguous.error().hint.find("a, b"), std::string::npos);
}

TEST_F(machine_finders, a_machine_that_is_linking_again_is_waited_for) {
    auto b = add("box");
    unlink(b);
    std::optional<found> got;
    boost::asio::co_spawn(context_, machines_.by_name(who(), "box"),
                          [&](const std::exception_ptr&, found f) { got = std::move(f); });
    settle();
    b.machine = link_up(b.identity);
    until([&] { return got.has_value(); });
    EXPECT_EQ(id_of(*got), b.id());
}

TEST_F(machine_finders, an_offline_machine_says_when_it_was_seen) {
    const auto b = add("box");
    unlink(b);
    links_.stop_waiting();  // nobody has the patience here
    const auto offline = by_name("box");
    EXPECT_EQ(code(offline), error_code::machine_offline);
    EXPECT_TRUE(json::parse(offline.error().details)["last_seen"].is_number());
    EXPECT_FALSE(offline.error().hint.empty());
    ASSERT_TRUE(store_->quarantine_machine(b.id()));
    EXPECT_NE(by_name("box").error().message.find("quarantine"), std::string::npos);
}

TEST_F(machine_finders, a_machine_revoked_by_another_process_is_gone_within_a_second) {
    const auto b = add("box");
    ASSERT_TRUE(by_name(b.id()));
    ASSERT_TRUE(store_->revoke_machine(workspace_, b.id(), "user:x"));
    links_.find(b.id())->confirmed_until = {};  // the second is over
    EXPECT_EQ(code(by_name(b.id())), error_code::not_found);
    until([&] { return b.machine->closed != 0; });
    EXPECT_EQ(b.machine->closed, 4403);
    EXPECT_EQ(links_.find(b.id()), nullptr);
}

TEST_F(machine_finders, listing_also_ends_the_links_of_revoked_machines) {
    const auto b = add("box");
    sessions_.note(workspace_, b.id(), "s_1");
    ASSERT_TRUE(store_->revoke_machine(workspace_, b.id(), "user:x"));
    EXPECT_TRUE(run(machines_.machines(who())).value().empty());
    EXPECT_EQ(links_.find(b.id()), nullptr);
    EXPECT_TRUE(sessions_.machines_with(workspace_, "s_1").empty());
}

TEST_F(machine_finders, a_session_is_where_the_directory_says) {
    const auto a = add("a");
    const auto b = add("b");
    sessions_.note(workspace_, b.id(), "s_1");
    EXPECT_EQ(id_of(by_session("s_1")), b.id());
    EXPECT_TRUE(a.machine->calls.empty());
    EXPECT_EQ(id_of(by_session("s_1", "a")), a.id()) << "who names a machine means it";
}

TEST_F(machine_finders, for_a_session_that_the_directory_does_not_know_machines_are_asked_once) {
    const auto a = add("a");
    const auto b = add("b");
    always(a, R"({"has":false})");
    always(b, R"({"has":true})");
    EXPECT_EQ(id_of(by_session("s_1")), b.id());
    EXPECT_EQ(b.machine->calls[0].header.tool, "codez.has_session");
    EXPECT_EQ(id_of(by_session("s_1")), b.id());
    EXPECT_EQ(b.machine->calls.size(), 1U);
    always(b, R"({"has":false})");
    EXPECT_EQ(code(by_session("s_2")), error_code::not_found);
}

TEST_F(machine_finders, two_machines_with_one_session_are_both_named) {
    const auto a = add("a");
    const auto b = add("b");
    sessions_.note(workspace_, a.id(), "s_1");
    sessions_.note(workspace_, b.id(), "s_1");
    const auto ambiguous = by_session("s_1");
    EXPECT_EQ(code(ambiguous), error_code::machine_ambiguous);
    EXPECT_EQ(json::parse(ambiguous.error().details)["machines"].size(), 2U);
    // One of them is removed.
    ASSERT_TRUE(store_->revoke_machine(workspace_, a.id(), "user:x"));
    EXPECT_EQ(id_of(by_session("s_1")), b.id());
}

TEST_F(machine_finders, a_session_of_a_removed_machine_is_not_there) {
    const auto a = add("a");
    const auto b = add("b");
    always(b, R"({"has":false})");
    sessions_.note(workspace_, a.id(), "s_1");
    ASSERT_TRUE(store_->revoke_machine(workspace_, a.id(), "user:x"));
    unlink(a);
    const auto gone = by_session("s_1");
    EXPECT_NE(gone.error().message.find("s_1"), std::string::npos) << gone.error().message;
    EXPECT_EQ(code(by_session("s_1")), error_code::not_found);
}

TEST_F(machine_finders, nobody_says_that_a_session_does_not_exist_who_cannot_know) {
    const auto a = add("a");
    const auto b = add("b");
    always(a, R"({"has":false})");
    b.machine->on_call = [m = b.machine.get()](const auto& c) {
        m->fail(c.id, {error_code::internal, "Trouble.", {}, {}});
    };
    EXPECT_EQ(code(by_session("s_1")), error_code::route_unavailable);
    unlink(b);
    const auto offline = by_session("s_1");
    EXPECT_EQ(code(offline), error_code::machine_offline);
    EXPECT_NE(offline.error().message.find("b"), std::string::npos);
    EXPECT_TRUE(proto::is_retryable(offline.error().code));
}

TEST_F(machine_finders, a_database_that_does_not_answer_is_no_missing_machine) {
    const auto b = add("box");
    const auto other = common::db::open("sqlite://" + (directory_.path() / "hub.db").string()).value();
    (void)other->transaction(
        [&](common::db::connection&) { EXPECT_EQ(code(by_name("box")), error_code::route_unavailable); });
    pool_.stop();
    EXPECT_EQ(code(by_name("box")), error_code::resource_exhausted);
}

TEST(times, are_told_as_people_read_them) {
    EXPECT_EQ(to_iso_time(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(to_iso_time(1'795'226'400'123), "2026-11-21T02:00:00Z");
}

}  // namespace
}  // namespace hub::relay
