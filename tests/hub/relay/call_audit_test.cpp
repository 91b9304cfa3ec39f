// Which calls are written down, and what of them.
#include "hub/relay/call_audit.hpp"

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "proto/limits.hpp"
#include "tests/hub/relay/relay_fixture.hpp"

namespace hub::relay {
namespace {

using nlohmann::json;
using proto::error_code;

class call_audits : public tests::relay_fixture {
protected:
    // The calls of the audit, newest first, once everything is stored.
    std::vector<tenancy::audit_entry> audited() {
        EXPECT_TRUE(run(audit_.flush(std::chrono::steady_clock::now() + std::chrono::seconds(30))));
        auto all = store_->list_audit(workspace_, {}).value();
        std::erase_if(all, [](const auto& e) { return !e.action.starts_with("call.") && e.action != "audit.lost"; });
        return all;
    }
    void refuse(const box& b, const proto::error& e) {
        b.machine->on_call = [machine = b.machine.get(), e](const auto& call) { machine->fail(call.id, e); };
    }
};

TEST_F(call_audits, a_call_that_acts_is_written_down_without_what_it_carries) {
    const auto b = add("box");
    always(b, "{}");
    const json arguments{{"session_id", "s_1"}, {"text", "secret"}, {"machine", "box"}};
    ask("send_prompt", arguments);
    const auto all = audited();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].action, "call.send_prompt");
    EXPECT_EQ(all[0].actor, "user:" + who().user_id + "/" + who().client_id);
    EXPECT_EQ(all[0].result, "ok");
    EXPECT_EQ(all[0].machine_id, b.id());
    EXPECT_EQ(all[0].session_id, "s_1");
    EXPECT_EQ(all[0].arguments_hash, common::crypto::hex_encode(common::crypto::sha256(arguments.dump())));
    EXPECT_EQ(all[0].rule, "");
    EXPECT_GT(all[0].at, 0);
}

TEST_F(call_audits, one_that_reads_is_not_unless_it_was_refused) {
    const auto b = add("box");
    always(b, R"({"sessions":[]})");
    ask("list_sessions");
    ask("get_session", {{"session_id", "s_1"}, {"machine", "box"}});
    refuse(b, {error_code::not_found, "No.", {}, {}});
    ask("get_session", {{"session_id", "s_1"}, {"machine", "box"}});
    EXPECT_TRUE(audited().empty());
    refuse(b, {error_code::policy_denied, "No.", {}, R"({"rule":"roots"})"});
    ask("get_session", {{"session_id", "s_1"}, {"machine", "box"}});
    const auto call = std::make_shared<tests::asked_call>();
    call->tool = "list_projects";
    call->arguments = "{}";
    call->who = who();
    call->who.scopes = {"sessions:read"};
    finish(begin(call));
    const auto all = audited();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].result, "permission_denied");
    EXPECT_EQ(all[0].machine_id, "") << "no machine was asked";
    EXPECT_EQ(all[1].result, "policy_denied");
    EXPECT_EQ(all[1].rule, "roots");
}

TEST_F(call_audits, a_machine_cannot_write_into_it) {
    const auto b = add("box");
    for (const char* details :
         {R"({"rule":"/home/ada/secret project"})", R"({"rule":7})", R"({"rule":{}})", "{}", ""}) {
        refuse(b, {error_code::policy_denied, "No.", {}, details});
        ask("send_prompt", {{"session_id", "s_1"}, {"text", "x"}, {"machine", "box"}});
        EXPECT_EQ(audited().front().rule, "") << details;
    }
    // Nor can a caller.
    ask("send_prompt", {{"session_id", "/home/ada"}, {"text", "x"}, {"machine", "box"}});
    EXPECT_EQ(audited().front().session_id, "");
}

TEST_F(call_audits, what_does_not_fit_is_counted) {
    const auto* tool = proto::tools().find("send_prompt");
    const auto caller = who();
    common::mcp::tool_call call;
    call.tool = "send_prompt";
    call.arguments = "{}";
    call.who = &caller;
    for (std::size_t i = 0; i < proto::limits::audit_queue_max + 7; ++i) audit_.record(call, *tool, {}, {});
    EXPECT_TRUE(run(audit_.flush(std::chrono::steady_clock::now() + std::chrono::seconds(60))));
    const auto count = db_->transaction([](common::db::connection& c) {
        return c.query("SELECT count(*) AS n FROM audit WHERE action = 'call.send_prompt'").front().integer("n");
    });
    EXPECT_EQ(count.value(), static_cast<std::int64_t>(proto::limits::audit_queue_max));
    const auto lost = db_->transaction([](common::db::connection& c) {
        return c.query("SELECT subject FROM audit WHERE action = 'audit.lost'").front().text("subject");
    });
    EXPECT_EQ(lost.value(), "7");
}

}  // namespace
}  // namespace hub::relay
