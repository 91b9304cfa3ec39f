// GET of the revisions up to 2025-11-25: a session's stream of news, and calls whose client comes back for the rest.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

using outcome = boost::asio::awaitable<proto::result<void>>;

bool everybody(const proto::principal&) { return true; }

class legacy_streams : public testing::Test {
protected:
    std::unique_ptr<fake_exchange> get(const std::string& session, const std::string& last_event_id = "",
                                       bool is_primed = true) {
        auto exchange = h_.make_get(session, last_event_id);
        h_.begin(*exchange);
        h_.run_until([&] {
            return !h_.open.contains(exchange.get()) || exchange->writes > 0 || (exchange->has_started && !is_primed);
        });
        return exchange;
    }
    nlohmann::json in_session(const std::string& session, std::string_view method, std::string_view params) {
        const auto exchange =
            h_.make_post(fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"{}","params":{{{}}}}})", method, params),
                         {{"Mcp-Session-Id", session}});
        h_.begin(*exchange);
        h_.run_to_end(*exchange);
        EXPECT_EQ(exchange->status, 200);
        return exchange->json();
    }
    void expect_messages(const fake_exchange& exchange, std::size_t count) {
        h_.run_until([&] { return exchange.events().messages.size() >= count; });
        EXPECT_EQ(exchange.events().messages.size(), count);
    }
    void end() {
        h_.subject.end_streams(everybody);
        h_.run();
    }

    harness h_{engine_options{}, everything()};
};

TEST_F(legacy_streams, carry_list_changes_and_subscribed_resources) {
    const std::string session = h_.initialize("2025-11-25");
    const auto stream = get(session);
    EXPECT_EQ(stream->field("Content-Type"), "text/event-stream");
    EXPECT_EQ(in_session(session, "resources/subscribe", R"("uri":"test://a")")["result"], nlohmann::json::object());
    h_.backend.changes->list_changed(list_kind::tools, "");
    h_.backend.changes->resource_updated("test://a", "");
    h_.backend.changes->resource_updated("test://b", "");
    expect_messages(*stream, 2);
    EXPECT_EQ(in_session(session, "resources/unsubscribe", R"("uri":"test://a")")["result"], nlohmann::json::object());
    h_.backend.changes->resource_updated("test://a", "");
    h_.backend.changes->list_changed(list_kind::prompts, "");
    expect_messages(*stream, 3);
    end();
    EXPECT_TRUE(stream->has_finished);
    const event_stream events = stream->events();
    EXPECT_TRUE(events.is_whole) << stream->body;
    EXPECT_NE(events.primed_by, "");
    EXPECT_EQ(events.ids.size(), 4u);
    EXPECT_EQ(events.messages[0]["method"], "notifications/tools/list_changed");
    EXPECT_EQ(events.messages[1]["params"]["uri"], "test://a");
    EXPECT_EQ(events.messages[2]["method"], "notifications/prompts/list_changed");
}

TEST_F(legacy_streams, begin_with_an_event_without_data_only_where_clients_know_it) {
    const auto stream = get(h_.initialize("2025-06-18"), "", false);
    h_.run_until([&] { return stream->has_started; });
    h_.backend.changes->list_changed(list_kind::tools, "");
    expect_messages(*stream, 1);
    EXPECT_EQ(stream->events().primed_by, "");
    EXPECT_EQ(stream->events().ids.size(), 1u);
    end();
}

TEST_F(legacy_streams, one_for_each_session_unless_it_is_resumed) {
    const std::string session = h_.initialize("2025-11-25");
    const auto first = get(session);
    expect_rpc_error(*get(session), 409, -32600);
    const auto other = get(h_.initialize("2025-11-25"));
    EXPECT_EQ(other->status, 200);
    h_.backend.changes->list_changed(list_kind::tools, "");
    h_.backend.changes->list_changed(list_kind::prompts, "");
    expect_messages(*first, 2);
    // The client has seen the first of two; the engine does not know that its stream is gone.
    const auto resumed = get(session, first->events().ids[1]);
    h_.run_to_end(*first);
    expect_messages(*resumed, 1);
    EXPECT_EQ(resumed->events().messages[0]["method"], "notifications/prompts/list_changed");
    end();
}

TEST_F(legacy_streams, news_wait_for_a_session_whose_stream_is_gone) {
    const std::string session = h_.initialize("2025-11-25");
    const auto first = get(session);
    const std::string id = first->events().primed_by;
    first->close_by_peer();
    h_.run_to_end(*first);
    h_.backend.changes->list_changed(list_kind::tools, "");
    const auto resumed = get(session, id);
    expect_messages(*resumed, 1);
    end();
}

TEST_F(legacy_streams, after_a_restart_everything_watched_is_told_as_changed) {
    const std::string session = h_.initialize("2025-11-25");
    const auto before = get(session);
    const std::string id = before->events().primed_by;
    end();
    harness after({}, everything());
    after.session_versions = h_.session_versions;
    for (int i = 0; i < 5; ++i) after.initialize("2025-06-18");  // so that its "random" names are other ones
    const auto stream = after.make_get(session, id);
    after.begin(*stream);
    after.run_until([&] { return stream->events().messages.size() == 3; });
    after.subject.end_streams(everybody);
    after.run();
}

TEST_F(legacy_streams, end_with_their_session) {
    const std::string session = h_.initialize("2025-11-25");
    const auto stream = get(session);
    const auto gone = h_.make("DELETE", {{"Mcp-Session-Id", session}}, "");
    h_.begin(*gone);
    h_.run();
    EXPECT_TRUE(stream->has_finished);
    expect_rpc_error(*get(session), 404, -32001);
}

TEST_F(legacy_streams, other_requests_are_refused) {
    const std::string session = h_.initialize("2025-11-25");
    const auto refused = [&](const net::http_fields& fields) {
        auto exchange = h_.make("GET", fields, "");
        h_.begin(*exchange);
        h_.run();
        return exchange;
    };
    expect_rpc_error(*refused({{"Accept", "application/json"}, {"Mcp-Session-Id", session}}), 406, -32600);
    expect_rpc_error(*refused({{"Accept", "text/html"}}), 406, -32600);
    expect_rpc_error(*refused({{"Accept", "text/event-stream"}, {"Mcp-Session-Id", "nonsense"}}), 404, -32001);
    for (const char* id : {"nonsense", "", "00.1", ".", "00.x"}) {
        expect_rpc_error(
            *refused({{"Accept", "text/event-stream"}, {"Mcp-Session-Id", session}, {"Last-Event-ID", id}}), 400,
            -32600);
    }
    const auto theirs = get(h_.initialize("2025-11-25"));
    expect_rpc_error(*get(session, theirs->events().primed_by), 400, -32600);
    end();
}

TEST_F(legacy_streams, subscriptions_have_their_rules) {
    const std::string session = h_.initialize("2025-11-25");
    expect_rpc_error(*h_.post(R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"test://a"}})"),
                     200, -32602);
    for (const char* params : {"", R"("uri":7)", R"("uri":"")", R"("uri":"test://a","uri":"test://b")"}) {
        EXPECT_EQ(in_session(session, "resources/subscribe", params)["error"]["code"], -32602) << params;
    }
    const auto unknown = in_session(session, "resources/subscribe", R"("uri":"other://a")");
    EXPECT_EQ(unknown["error"]["code"], -32002);
    EXPECT_EQ(unknown["error"]["data"]["uri"], "other://a");
    engine_options options;
    options.watched_max = 1;
    harness narrow(options, everything());
    const net::http_fields fields{{"Mcp-Session-Id", narrow.initialize("2025-11-25")}};
    const std::string body = R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"test://)";
    EXPECT_TRUE(narrow.post(body + "a\"}}", fields)->json().contains("result"));
    EXPECT_TRUE(narrow.post(body + "a\"}}", fields)->json().contains("result"));
    expect_rpc_error(*narrow.post(body + "b\"}}", fields), 200, -32603);
}

TEST_F(legacy_streams, sessions_that_nobody_reads_make_room) {
    engine_options options;
    options.listeners_per_principal_max = 2;
    harness h(options, everything());
    std::vector<std::string> sessions;
    for (int i = 0; i < 5; ++i) sessions.push_back(h.initialize("2025-11-25"));
    for (int i = 0; i < 3; ++i) {
        const auto left = h.make_get(sessions[static_cast<std::size_t>(i)]);
        h.begin(*left);
        h.run_until([&] { return left->writes > 0; });
        left->close_by_peer();
        h.run();
    }
    const auto third = h.make_get(sessions[3]), fourth = h.make_get(sessions[4]), fifth = h.make_get(sessions[0]);
    for (const auto* stream : {&third, &fourth}) {
        h.begin(**stream);
        h.run_until([&] { return (*stream)->writes > 0; });
    }
    h.begin(*fifth);
    h.run_to_end(*fifth);
    expect_rpc_error(*fifth, 429, -32600);
    h.subject.end_streams(everybody);
    h.run();
}

TEST_F(legacy_streams, a_level_is_set_for_the_session) {
    h_.backend.scripted = [](const tool_call&, call_reply& reply) -> outcome {
        co_await reply.log(log_level::debug, "", "1");
        co_await reply.log(log_level::info, "", "2");
        co_await reply.log(log_level::error, "", "3");
        co_await reply.write(text_result);
        co_return proto::result<void>{};
    };
    const std::string session = h_.initialize("2025-11-25");
    const auto logged = [&] {
        return h_.post(call_body("scripted"), {{"Mcp-Session-Id", session}})->events().messages.size();
    };
    EXPECT_EQ(logged(), 3u);
    EXPECT_EQ(in_session(session, "logging/setLevel", R"("level":"error")")["result"], nlohmann::json::object());
    EXPECT_EQ(logged(), 2u);
    EXPECT_EQ(in_session(session, "logging/setLevel", R"("level":"debug")")["result"], nlohmann::json::object());
    EXPECT_EQ(logged(), 4u);
    for (const char* level : {R"("loud")", "7", R"("")"}) {
        EXPECT_EQ(in_session(session, "logging/setLevel", fmt::format(R"("level":{})", level))["error"]["code"],
                  -32602);
    }
    // Without a session there is nothing to set it in.
    EXPECT_EQ(h_.post(R"({"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"error"}})")->status,
              200);
}

}  // namespace
}  // namespace common::mcp::test
