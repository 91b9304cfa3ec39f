// Calls over an established link: results in pieces under credit, failures, cancelling, coalescing, draining.
#include <cmath>

#include <gtest/gtest.h>

#include "proto/limits.hpp"
#include "tests/proto/link_pair.hpp"

namespace proto {
namespace {

using test::header_of;
using test::link_pair;

std::string large_result(std::size_t bytes) { return "{\"text\":\"" + std::string(bytes - 11, 'x') + "\"}"; }

TEST(calls, arguments_arrive_as_they_were_sent_and_the_result_comes_back) {
    link_pair p;
    p.establish();
    const auto id = p.call("send_prompt", R"({ "text" : "hi" })");
    p.run();
    const auto received = p.of_agent<agent_action::call_received>();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0].id, id);
    EXPECT_EQ(received[0].header, header_of("send_prompt"));
    EXPECT_EQ(received[0].arguments, R"({ "text" : "hi" })");
    EXPECT_EQ(p.agent->reply_chunk(id, R"({"ok":)"), 6U);
    EXPECT_EQ(p.agent->reply_chunk(id, "true}"), 5U);
    p.agent->finish(id);
    p.run();
    EXPECT_EQ(p.passed_on(id), R"({"ok":true})");
    EXPECT_TRUE(p.of_hub<hub_action::reply_chunk>().back().fin);
    EXPECT_FALSE(p.hub->is_open(id));
    EXPECT_FALSE(p.agent->is_open(id));
    EXPECT_TRUE(p.hub->welcome_acknowledged());
}

TEST(calls, frames_of_one_turn_leave_as_one_message) {
    link_pair p;
    p.establish();
    for (int i = 0; i < 10; ++i) p.call();
    p.run();
    EXPECT_EQ(p.to_agent.size(), 1U);
    EXPECT_EQ(p.of_agent<agent_action::call_received>().size(), 10U);
    for (std::uint64_t id = 1; id <= 10; ++id) {
        p.agent->reply_chunk(id, "{}");
        p.agent->finish(id);
    }
    p.run();
    EXPECT_EQ(p.to_hub.size(), 1U);
    EXPECT_EQ(p.of_hub<hub_action::reply_chunk>().size(), 20U);
}

TEST(calls, coalesced_messages_are_bounded) {
    link_pair p;
    p.establish();
    const std::string arguments = large_result(40'000);
    for (int i = 0; i < 10; ++i) p.call("send_prompt", arguments);
    p.call("send_prompt", large_result(1'000'000));
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::call_received>().size(), 11U);
    EXPECT_EQ(p.of_agent<agent_action::call_received>()[10].arguments.size(), 1'000'000U);
    ASSERT_GE(p.to_agent.size(), 4U);
    for (std::size_t i = 0; i + 1 < p.to_agent.size(); ++i)
        EXPECT_LE(p.to_agent[i].size(), limits::link_coalesce_bytes);
}

TEST(calls, large_result_waits_for_credit) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    const auto result = large_result(3 * limits::call_credit_bytes);
    std::size_t sent = p.agent->reply_chunk(id, result);
    EXPECT_EQ(sent, limits::call_credit_bytes);
    p.run();
    EXPECT_EQ(p.passed_on(id).size(), limits::call_credit_bytes);
    EXPECT_EQ(p.agent->reply_chunk(id, std::string_view(result).substr(sent)), 0U);
    EXPECT_TRUE(p.of_agent<agent_action::credit_available>().empty());
    std::size_t granted = 0;
    while (sent < result.size()) {
        p.clear();
        p.hub->grant_credit(id, limits::call_credit_bytes / 2);
        granted += limits::call_credit_bytes / 2;
        p.run();
        ASSERT_EQ(p.of_agent<agent_action::credit_available>().size(), 1U);
        sent += p.agent->reply_chunk(id, std::string_view(result).substr(sent));
        p.run();
        EXPECT_EQ(sent, std::min(result.size(), limits::call_credit_bytes + granted));
    }
    p.agent->finish(id);
    p.run();
    EXPECT_TRUE(p.of_hub<hub_action::reply_chunk>().back().fin);
    EXPECT_EQ(p.hub_close_code(), 0);
}

TEST(calls, every_byte_arrives_whatever_is_granted) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    const auto result = large_result(1'500'000);
    std::string arrived;
    std::size_t sent = 0;
    while (sent < result.size()) {
        sent += p.agent->reply_chunk(id, std::string_view(result).substr(sent));
        p.run();
        const auto bytes = p.passed_on(id);
        arrived += bytes;
        p.clear();
        p.hub->grant_credit(id, bytes.size());
        p.run();
    }
    p.agent->finish(id);
    p.run();
    EXPECT_EQ(arrived + p.passed_on(id), result);
}

TEST(calls, small_results_cost_no_credit_frames) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    p.agent->reply_chunk(id, "{\"a\":1}");
    p.run();
    p.clear();
    p.hub->grant_credit(id, 7);
    p.run();
    EXPECT_TRUE(p.to_agent.empty());
}

TEST(calls, replies_interleave) {
    link_pair p;
    p.establish();
    const auto large = p.call();
    const auto small = p.call("get_session");
    p.run();
    p.agent->reply_chunk(large, large_result(limits::call_credit_bytes * 2));
    p.agent->reply_chunk(small, "{}");
    p.agent->finish(small);
    p.run();
    EXPECT_EQ(p.passed_on(small), "{}");
    EXPECT_FALSE(p.hub->is_open(small));
    EXPECT_TRUE(p.hub->is_open(large));
}

TEST(calls, output_is_bounded_and_tells_when_there_is_room) {
    link_pair p;
    p.establish();
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 10; ++i) ids.push_back(p.call());
    p.run();
    const auto result = large_result(limits::call_credit_bytes);
    std::size_t queued = 0;
    std::size_t held_back = 0;
    for (const auto id : ids) {
        const auto taken = p.agent->reply_chunk(id, result);
        queued += taken;
        held_back += taken < result.size();
    }
    EXPECT_GE(held_back, 5U);
    EXPECT_LE(queued, limits::link_output_bytes_max + limits::reply_chunk_bytes_max);
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::credit_available>().size(), held_back);
}

TEST(calls, machine_reports_a_failure) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    const error e{error_code::policy_denied, "Not below a root.", "Add it to agent.toml.", R"({"rule":"roots"})"};
    p.agent->reply_error(id, e, "req_1");
    p.run();
    const auto failed = p.of_hub<hub_action::reply_failed>();
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_EQ(failed[0].error, e);
    EXPECT_FALSE(failed[0].link_lost);
    EXPECT_FALSE(p.hub->is_open(id));
}

TEST(calls, failure_in_mid_result_is_told_as_one) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    p.agent->reply_chunk(id, "{\"half\":");
    p.agent->reply_error(id, {error_code::internal, "It broke.", "", ""}, "req_1");
    p.run();
    EXPECT_FALSE(p.of_hub<hub_action::reply_chunk>().back().fin);
    EXPECT_EQ(p.of_hub<hub_action::reply_failed>().size(), 1U);
    EXPECT_EQ(p.hub_close_code(), 0);
}

TEST(calls, result_that_is_no_object_fails_its_call_and_not_the_link) {
    for (const auto* broken : {"[]", "{}{}", "{\"a\":\"\xED\xA0\x80\"}"}) {
        link_pair p;
        p.establish();
        const auto id = p.call();
        const auto other = p.call();
        p.run();
        EXPECT_EQ(p.agent->reply_chunk(id, broken), std::string_view(broken).size());
        EXPECT_FALSE(p.agent->is_open(id));
        p.agent->finish(id);
        p.run();
        ASSERT_EQ(p.of_hub<hub_action::reply_failed>().size(), 1U);
        EXPECT_EQ(p.of_hub<hub_action::reply_failed>()[0].error.code, error_code::internal);
        EXPECT_TRUE(p.hub->is_open(other));
    }
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    p.agent->reply_chunk(id, "{\"half\":");
    p.agent->finish(id);
    p.run();
    EXPECT_EQ(p.of_hub<hub_action::reply_failed>().size(), 1U);
    EXPECT_EQ(p.hub_close_code(), 0);
}

TEST(calls, progress_reaches_the_hub) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    p.agent->progress(id, {1, 2.0, "half"});
    p.agent->progress(id, {2, 2.0, std::string(100'000, 'x')});  // too long: the figures still arrive
    p.agent->progress(99, {1, std::nullopt, ""});                // no such call: nothing
    p.agent->progress(id, {std::nan(""), std::nullopt, ""});     // no number in JSON
    p.run();
    const auto progress = p.of_hub<hub_action::progress_received>();
    ASSERT_EQ(progress.size(), 2U);
    EXPECT_EQ(progress[0].update, (progress_update{1, 2.0, "half"}));
    EXPECT_EQ(progress[1].update, (progress_update{2, 2.0, ""}));
}

TEST(calls, late_frames_of_a_cancelled_call_are_dropped) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    p.agent->reply_chunk(id, "{\"a\":");
    p.hub->cancel(id);  // crosses the reply
    p.run();
    ASSERT_EQ(p.of_agent<agent_action::cancel_received>().size(), 1U);
    EXPECT_TRUE(p.of_hub<hub_action::reply_chunk>().empty());
    EXPECT_TRUE(p.of_hub<hub_action::reply_failed>().empty());
    EXPECT_EQ(p.agent->reply_chunk(id, "1}"), 0U);
    p.agent->finish(id);
    p.agent->reply_error(id, {}, "");
    std::string late;
    append_reply(late, id, "not JSON at all", true);
    append_reply_error(late, id, "nor this");
    append_progress(late, id, "{}");
    p.inject(late);
    p.run();
    EXPECT_EQ(p.hub_close_code(), 0);
    EXPECT_EQ(p.agent_close_code(), 0);
    EXPECT_TRUE(p.of_hub<hub_action::reply_chunk>().empty());
}

TEST(calls, cancel_and_credit_that_cross_the_end_are_harmless) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    p.agent->reply_chunk(id, "{}");
    p.agent->finish(id);
    std::string late;
    append_credit(late, id, 1000);
    append_cancel(late, id);
    p.agent->on_message(late, p.now);
    p.run();
    EXPECT_EQ(p.agent_close_code(), 0);
    EXPECT_TRUE(p.of_agent<agent_action::cancel_received>().empty());
    p.hub->cancel(id);
    p.hub->grant_credit(id, 10);
    p.run();
    EXPECT_EQ(p.agent_close_code(), 0);
}

TEST(calls, agent_without_the_tool_is_not_asked) {
    link_pair p;
    p.establish();
    const auto id = p.hub->send_call(header_of("search_sessions"), "{}");
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, error_code::unsupported_by_machine);
    EXPECT_NE(id.error().message.find("0.1.0"), std::string::npos);
    EXPECT_TRUE(p.hub->send_call(header_of("events.read"), "{}"));
}

TEST(calls, are_bounded_in_number_and_size) {
    link_pair p;
    p.establish();
    for (std::size_t i = 0; i < limits::calls_in_flight_max; ++i) p.call();
    EXPECT_EQ(p.hub->send_call(header_of("send_prompt"), "{}").error().code, error_code::resource_exhausted);
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::call_received>().size(), limits::calls_in_flight_max);
    p.hub->cancel(1);
    EXPECT_EQ(
        p.hub->send_call(header_of("send_prompt"), std::string(limits::arguments_bytes_max + 1, ' ')).error().code,
        error_code::invalid_argument);
    p.call("send_prompt", large_result(limits::arguments_bytes_max));
    EXPECT_EQ(p.hub->send_call(header_of("send_prompt"), "{}").error().code, error_code::resource_exhausted);
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::call_received>().back().arguments.size(), limits::arguments_bytes_max);
    EXPECT_EQ(p.agent_close_code(), 0);
}

TEST(calls, lost_link_fails_them_all) {
    link_pair p;
    p.establish();
    const auto a = p.call();
    const auto b = p.call();
    p.run();
    p.agent->reply_chunk(b, "{\"half\":");
    p.run();
    p.hub->on_closed(1006, "gone");
    p.run();
    const auto failed = p.of_hub<hub_action::reply_failed>();
    ASSERT_EQ(failed.size(), 2U);
    EXPECT_EQ(failed[0].id, a);
    EXPECT_EQ(failed[0].error.code, error_code::machine_offline);
    EXPECT_TRUE(failed[0].link_lost && failed[1].link_lost);
    EXPECT_EQ(p.hub_close_code(), 1006);
    EXPECT_EQ(p.hub->send_call(header_of("send_prompt"), "{}").error().code, error_code::route_unavailable);
}

TEST(calls, drain_lets_those_in_flight_end) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    p.hub->drain();
    p.hub->drain();
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::draining>().size(), 1U);
    EXPECT_TRUE(p.of_hub<hub_action::drained>().empty());
    EXPECT_EQ(p.hub->send_call(header_of("send_prompt"), "{}").error().code, error_code::route_unavailable);
    p.agent->reply_chunk(id, "{}");
    p.agent->finish(id);
    p.run();
    EXPECT_EQ(p.passed_on(id), "{}");
    EXPECT_EQ(p.of_hub<hub_action::drained>().size(), 1U);
    p.hub->close(close_code::draining, "reconnect");
    p.run();
    EXPECT_EQ(p.hub_close_code(), 4503);
}

TEST(calls, drain_of_an_idle_link_is_over_at_once) {
    link_pair p;
    p.establish();
    p.hub->drain();
    p.run();
    EXPECT_EQ(p.of_hub<hub_action::drained>().size(), 1U);
}

TEST(calls, close_sends_what_was_queued_before) {
    link_pair p;
    p.establish();
    p.call();
    p.hub->close(close_code::superseded, "a newer link is up");
    EXPECT_TRUE(p.hub->has_output());
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::call_received>().size(), 1U);
    EXPECT_EQ(p.hub_close_code(), 4408);
    EXPECT_TRUE(p.of_hub<hub_action::closed>()[0].close_needed);
}

}  // namespace
}  // namespace proto
