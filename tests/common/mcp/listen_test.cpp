// subscriptions/listen of 2026-07-28.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

constexpr std::string_view id_key = "io.modelcontextprotocol/subscriptionId";
constexpr const char* all_lists = R"("toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true)";

std::string listen_to(std::string_view filter) { return fmt::format(R"("notifications":{{{}}})", filter); }

bool everybody(const proto::principal&) { return true; }

class listening : public testing::Test {
protected:
    // A stream that has been acknowledged.
    std::unique_ptr<fake_exchange> listen(std::string_view filter, modern_extras extras = {}) {
        auto exchange = h_.make_modern("subscriptions/listen", listen_to(filter), extras);
        h_.begin(*exchange);
        h_.run_until([&] { return !exchange->events().messages.empty() || !h_.open.contains(exchange.get()); });
        return exchange;
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

TEST_F(listening, begins_with_what_is_honoured_and_ends_with_a_result) {
    modern_extras extras;
    extras.id = R"("l-1")";
    const auto stream = listen(
        R"("toolsListChanged":true,"promptsListChanged":false,"resourceSubscriptions":["test://a","other://b"],"x":1)",
        extras);
    EXPECT_EQ(stream->field("Content-Type"), "text/event-stream");
    EXPECT_EQ(stream->field("X-Accel-Buffering"), "no");
    const nlohmann::json first = stream->events().messages[0];
    EXPECT_EQ(first["method"], "notifications/subscriptions/acknowledged");
    EXPECT_EQ(first["params"]["notifications"],
              nlohmann::json::parse(R"({"toolsListChanged":true,"resourceSubscriptions":["test://a"]})"));
    EXPECT_EQ(first["params"]["_meta"][id_key], "l-1");

    h_.backend.changes->list_changed(list_kind::prompts, "");
    h_.backend.changes->list_changed(list_kind::tools, "");
    expect_messages(*stream, 2);
    h_.backend.changes->resource_updated("test://b", "");
    h_.backend.changes->resource_updated("test://a", "");
    expect_messages(*stream, 3);
    end();
    EXPECT_TRUE(stream->has_finished);
    const auto all = stream->events().messages;
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(all[1]["method"], "notifications/tools/list_changed");
    EXPECT_EQ(all[2]["method"], "notifications/resources/updated");
    EXPECT_EQ(all[2]["params"]["uri"], "test://a");
    for (const std::size_t i : {1, 2}) EXPECT_EQ(all[i]["params"]["_meta"][id_key], "l-1");
    EXPECT_EQ(all[3]["id"], "l-1");
    EXPECT_EQ(all[3]["result"]["resultType"], "complete");
    EXPECT_EQ(all[3]["result"]["_meta"][id_key], "l-1");
    EXPECT_TRUE(stream->events().ids.empty());
}

TEST_F(listening, tells_only_its_own_workspace_and_only_who_may_know) {
    const auto stream = listen(fmt::format(R"({},"resourceSubscriptions":["test://a"])", all_lists));
    h_.backend.changes->list_changed(list_kind::tools, "w_2");
    h_.backend.changes->resource_updated("test://a", "w_2");
    h_.backend.is_watching_allowed = false;  // meanwhile taken away
    h_.backend.changes->resource_updated("test://a", "w_1");
    h_.backend.changes->list_changed(list_kind::resources, "w_1");
    expect_messages(*stream, 2);
    EXPECT_EQ(stream->events().messages[1]["method"], "notifications/resources/list_changed");
    end();
}

TEST_F(listening, the_same_news_are_told_once_while_nobody_takes_them) {
    const auto stream = listen(all_lists);
    for (int i = 0; i < 1000; ++i) h_.backend.changes->list_changed(list_kind::tools, "");
    h_.backend.changes->list_changed(list_kind::prompts, "");
    expect_messages(*stream, 3);
    end();
}

TEST_F(listening, tasks_are_told_in_full_to_their_owner) {
    modern_extras extras;
    extras.capabilities = R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})";
    const auto stream = listen(R"("taskIds":["t1","t2"])", extras);
    EXPECT_EQ(stream->events().messages[0]["params"]["notifications"], nlohmann::json::parse(R"({"taskIds":["t1"]})"));
    h_.backend.changes->task_changed("t2");
    h_.backend.changes->task_changed("t1");
    expect_messages(*stream, 2);
    const nlohmann::json told = stream->events().messages[1];
    EXPECT_EQ(told["method"], "notifications/tasks");
    EXPECT_EQ(told["params"]["status"], "working");
    EXPECT_EQ(told["params"]["_meta"][id_key], 7);
    end();
    const auto refused = listen(R"("taskIds":["t1"])");
    expect_rpc_error(*refused, 400, -32021);
}

TEST_F(listening, malformed_filters_are_refused) {
    for (const char* params : {"", R"("notifications":[])", R"("notifications":{},"notifications":{})",
                               R"("notifications":{"resourceSubscriptions":"test://a"})",
                               R"("notifications":{"resourceSubscriptions":[1]})"}) {
        expect_rpc_error(*h_.modern("subscriptions/listen", params), 400, -32602);
    }
    modern_extras extras;
    extras.fields = {{"Accept", "application/json"}};
    expect_rpc_error(*h_.modern("subscriptions/listen", listen_to(all_lists), extras), 406, -32600);
}

TEST_F(listening, a_client_that_leaves_is_forgotten) {
    const auto stream = listen(all_lists);
    stream->close_by_peer();
    h_.run();
    EXPECT_TRUE(stream->was_aborted);
    h_.backend.changes->list_changed(list_kind::tools, "");
    h_.run();
}

TEST_F(listening, only_the_streams_of_those_meant_end) {
    const auto mine = listen(all_lists);
    const auto theirs = h_.make_modern("subscriptions/listen", listen_to(all_lists));
    h_.begin(*theirs, h_.stranger);
    expect_messages(*theirs, 1);
    h_.subject.end_streams([](const proto::principal& who) { return who.name == "Eve"; });
    h_.run_to_end(*theirs);
    EXPECT_FALSE(mine->is_answered());
    end();
}

TEST_F(listening, whoever_is_shut_out_listens_no_more) {
    const auto mine = listen(all_lists);
    h_.subject.shut_out([](const proto::principal& who) { return who.name == "Ada"; });
    h_.run_to_end(*mine);
    EXPECT_EQ(mine->events().messages.back()["result"]["resultType"], "complete");
}

TEST(listening_limits, are_told_with_their_status) {
    engine_options options;
    options.listeners_per_principal_max = 1;
    options.listeners_max = 2;
    options.watched_max = 2;
    harness h(options, everything());
    const auto begin = [&](const proto::principal& who) {
        auto exchange = h.make_modern("subscriptions/listen",
                                      listen_to(R"("resourceSubscriptions":["test://1","test://2","test://3"])"));
        h.begin(*exchange, who);
        h.run_until([&] { return !h.open.contains(exchange.get()) || !exchange->events().messages.empty(); });
        return exchange;
    };
    proto::principal third = h.stranger;
    third.user_id = "u_3";
    const auto first = begin(h.who);
    EXPECT_EQ(first->events().messages[0]["params"]["notifications"]["resourceSubscriptions"].size(), 2u);
    expect_rpc_error(*begin(h.who), 429, -32600);
    const auto second = begin(h.stranger);
    expect_rpc_error(*begin(third), 503, -32603);
    h.subject.end_streams(everybody);
    h.run();
    const auto again = begin(h.who);
    EXPECT_EQ(again->status, 200);
    h.subject.end_streams(everybody);
    h.run();
}

TEST(listening_quietly, comments_keep_the_stream_open) {
    engine_options options;
    options.comment_every = std::chrono::milliseconds(0);
    harness h(options, everything());
    const auto stream = h.make_modern("subscriptions/listen", listen_to(all_lists));
    h.begin(*stream);
    h.run_until([&] { return stream->events().comments >= 3; });
    EXPECT_TRUE(stream->events().is_whole);
    h.subject.end_streams(everybody);
    h.run();
}

}  // namespace
}  // namespace common::mcp::test
