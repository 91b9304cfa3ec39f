// Calls that ask their client: as requests on the stream until 2025-11-25, by a second round in 2026-07-28.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

using outcome = boost::asio::awaitable<proto::result<void>>;
using state = input_outcome::state;

constexpr std::string_view form = R"({"message":"Who?","requestedSchema":{"type":"object","properties":{}}})";
constexpr std::string_view sample = R"({"messages":[],"maxTokens":5})";
constexpr const char* all_abilities = R"({"elicitation":{},"sampling":{},"roots":{}})";

input_request ask_form(std::string key) { return {std::move(key), input_kind::elicitation, std::string(form)}; }

std::string text_of(std::string_view text) {
    return fmt::format(R"({{"content":[{{"type":"text","text":{}}}]}})", nlohmann::json(text).dump());
}

// Asks for two things in a row, with or without a state, and answers with what it heard.
script two_rounds(std::string first_state, std::string second_state) {
    return [=](const tool_call&, call_reply& reply) -> outcome {
        const input_outcome one = co_await reply.ask({ask_form("one")}, first_state);
        if (one.what != state::answered) co_return proto::result<void>{};
        const input_outcome two = co_await reply.ask(
            {{"two", input_kind::sampling, std::string(sample)}, {"roots", input_kind::roots, ""}}, second_state);
        if (two.what != state::answered) co_return proto::result<void>{};
        const std::string result = text_of(one.answers[0].result + two.answers[0].result + two.answers[1].result);
        co_await reply.write(result);
        co_return proto::result<void>{};
    };
}

constexpr const char* call_params = R"("name":"scripted","arguments":{"a": [1, "x y\" z"]})";

modern_extras able() {
    modern_extras extras;
    extras.capabilities = all_abilities;
    return extras;
}

std::string with_answers(std::string_view answers, const nlohmann::json& asked) {
    std::string params = fmt::format(R"({},"inputResponses":{{{}}})", call_params, answers);
    if (asked.contains("requestState")) params += fmt::format(R"(,"requestState":{})", asked["requestState"].dump());
    return params;
}

constexpr const char* answer_one = R"("one":{"action":"accept","content":{}})";
constexpr const char* answer_two =
    R"("two":{"role":"assistant","model":"m","content":{"type":"text","text":"t"}},"roots":{"roots":[]})";

TEST(asking_again, brings_the_answers_of_every_round_to_the_same_handler) {
    for (const bool has_state : {false, true}) {
        harness h;
        h.backend.scripted = has_state ? two_rounds("s1", "s2") : two_rounds("", "");
        const nlohmann::json first = h.modern("tools/call", call_params, able())->json()["result"];
        EXPECT_EQ(first["resultType"], "input_required");
        EXPECT_EQ(first["inputRequests"]["one"]["method"], "elicitation/create");
        EXPECT_EQ(first["inputRequests"]["one"]["params"], nlohmann::json::parse(form));
        EXPECT_EQ(first.contains("requestState"), has_state);

        const nlohmann::json second = h.modern("tools/call", with_answers(answer_one, first), able())->json()["result"];
        EXPECT_EQ(second["resultType"], "input_required");
        EXPECT_EQ(second["inputRequests"].size(), 2u);
        EXPECT_EQ(second["inputRequests"]["roots"]["method"], "roots/list");
        EXPECT_TRUE(second.contains("requestState"));
        EXPECT_NE(second["requestState"], first.value("requestState", ""));

        const nlohmann::json last = h.modern("tools/call", with_answers(answer_two, second), able())->json()["result"];
        EXPECT_EQ(last["resultType"], "complete");
        EXPECT_NE(last["content"][0]["text"].get<std::string>().find("accept"), std::string::npos);
        ASSERT_EQ(h.backend.calls.size(), 3u);
        EXPECT_EQ(h.backend.calls[0].state, "");
        EXPECT_EQ(h.backend.calls[1].state, has_state ? "s1" : "");
        EXPECT_EQ(h.backend.calls[2].state, has_state ? "s2" : "");
    }
}

TEST(asking_again, asks_anew_for_what_is_missing) {
    harness h;
    h.backend.scripted = two_rounds("", "");
    for (const char* useless : {"", R"("other":{"action":"accept"})", R"("one":5)", R"("one":null)"}) {
        const auto again = h.modern("tools/call", with_answers(useless, nlohmann::json::object()), able());
        EXPECT_EQ(again->json()["result"]["resultType"], "input_required") << useless;
    }
    const nlohmann::json second =
        h.modern("tools/call", with_answers(answer_one, nlohmann::json::object()), able())->json()["result"];
    // Half of the second round: only the other half is asked for again, and both count in the end.
    const nlohmann::json third =
        h.modern("tools/call", with_answers(R"("roots":{"roots":[]},"extra":{})", second), able())->json()["result"];
    EXPECT_EQ(third["inputRequests"].size(), 1u);
    EXPECT_TRUE(third["inputRequests"].contains("two"));
    const nlohmann::json last = h.modern("tools/call", with_answers(answer_two, third), able())->json()["result"];
    EXPECT_EQ(last["resultType"], "complete");
}

TEST(asking_again, with_a_state_counts_only_answers_to_what_was_asked) {
    harness h;
    h.backend.scripted = two_rounds("s1", "s2");
    const nlohmann::json unasked =
        h.modern("tools/call", with_answers(answer_one, nlohmann::json::object()), able())->json()["result"];
    EXPECT_TRUE(unasked["inputRequests"].contains("one"));
    const nlohmann::json early =
        h.modern("tools/call", with_answers(std::string(answer_one) + "," + answer_two, unasked), able())
            ->json()["result"];
    EXPECT_TRUE(early["inputRequests"].contains("two"));
}

TEST(asking_again, a_state_is_bound_to_its_caller_and_request_and_expires) {
    harness h({}, everything());
    h.backend.scripted = two_rounds("s1", "s2");
    const nlohmann::json first = h.modern("tools/call", call_params, able())->json()["result"];
    const std::string sealed = first["requestState"];
    const auto retry = [&](std::string_view method, std::string_view request, std::string_view requested,
                           const proto::principal& who) {
        const auto exchange = h.make_modern(
            method, fmt::format(R"({},"inputResponses":{{{}}},"requestState":"{}")", request, answer_one, requested),
            able());
        h.begin(*exchange, who);
        h.run();
        return exchange->json();
    };
    EXPECT_TRUE(retry("tools/call", call_params, sealed, h.who).contains("result"));
    // The same arguments, written in another way.
    EXPECT_TRUE(
        retry("tools/call", R"("name":"scripted","arguments":{"a":[1,"x y\" z"]})", sealed, h.who).contains("result"));
    const std::string other = R"("name":"scripted","arguments":{"a":[1,"xy\" z"]})";
    for (const nlohmann::json& refused :
         {retry("tools/call", call_params, sealed + "00", h.who), retry("tools/call", call_params, "x", h.who),
          retry("tools/call", call_params, std::string(50, '.'), h.who),
          retry("tools/call", call_params, sealed, h.stranger), retry("tools/call", other, sealed, h.who),
          retry("tools/call", R"("name":"echo","arguments":{"a":[1,"x y\" z"]})", sealed, h.who),
          retry("prompts/get", R"("name":"scripted")", sealed, h.who)}) {
        EXPECT_EQ(refused["error"]["code"], -32602) << refused;
    }
    engine_options hasty;
    hasty.request_state_lasts = std::chrono::milliseconds(0);
    harness late(hasty);
    late.backend.scripted = two_rounds("s1", "s2");
    const nlohmann::json asked = late.modern("tools/call", call_params, able())->json()["result"];
    expect_rpc_error(*late.modern("tools/call", with_answers(answer_one, asked), able()), 200, -32602);
}

TEST(asking_again, long_states_and_answers_travel_and_too_long_ones_are_told) {
    harness h;
    const std::string long_state(2000, 's');
    h.backend.scripted = two_rounds(long_state, long_state);
    const nlohmann::json first = h.modern("tools/call", call_params, able())->json()["result"];
    const auto answer = [](std::size_t size) {
        return fmt::format(R"("one":{{"action":"accept","content":{{"x":"{}"}}}})", std::string(size, 'x'));
    };
    const nlohmann::json second = h.modern("tools/call", with_answers(answer(9000), first), able())->json()["result"];
    ASSERT_EQ(second["resultType"], "input_required");
    const nlohmann::json last = h.modern("tools/call", with_answers(answer_two, second), able())->json()["result"];
    EXPECT_GT(last["content"][0]["text"].get<std::string>().size(), 9000u);
    EXPECT_EQ(h.backend.calls.back().state, long_state);
    expect_rpc_error(*h.modern("tools/call", with_answers(answer(60'000), first), able()), 200, -32603);
}

TEST(asking, needs_a_client_that_can_be_asked) {
    struct question {
        input_request what;
        const char* sufficient;
        const char* required;
    };
    const std::string url = R"({"mode":"url","url":"https://x.example","message":"Go."})";
    const std::vector<question> questions{
        {ask_form("k"), R"({"elicitation":{}})", R"({"elicitation":{"form":{}}})"},
        {{"k", input_kind::elicitation, url}, R"({"elicitation":{"url":{}}})", R"({"elicitation":{"url":{}}})"},
        {{"k", input_kind::sampling, std::string(sample)}, R"({"sampling":{}})", R"({"sampling":{}})"},
        {{"k", input_kind::sampling, R"({"messages":[],"maxTokens":5,"tools":[]})"},
         R"({"sampling":{"tools":{}}})",
         R"({"sampling":{"tools":{}}})"},
        {{"k", input_kind::roots, "{}"}, R"({"roots":{}})", R"({"roots":{}})"}};
    for (const question& q : questions) {
        harness h;
        state seen = state::answered;
        h.backend.scripted = [&](const tool_call&, call_reply& reply) -> outcome {
            const input_outcome asked = co_await reply.ask({q.what}, "");
            seen = asked.what;
            co_return proto::result<void>{};
        };
        const auto refused = h.modern("tools/call", call_params);
        expect_rpc_error(*refused, 400, -32021);
        EXPECT_EQ(refused->json()["error"]["data"]["requiredCapabilities"], nlohmann::json::parse(q.required));
        EXPECT_EQ(seen, state::unsupported);
        modern_extras extras;
        extras.capabilities = q.sufficient;
        h.modern("tools/call", call_params, extras);
        EXPECT_EQ(seen, state::suspended);
        const auto legacy = h.post(call_body("scripted"));
        EXPECT_EQ(legacy->json()["result"]["isError"], true);
        EXPECT_EQ(seen, state::unsupported);
    }
}

TEST(asking, what_no_client_could_be_asked_is_a_bug) {
    const std::vector<std::vector<input_request>> impossible{{},
                                                             {ask_form("")},
                                                             {ask_form("a b")},
                                                             {ask_form("k"), ask_form("k")},
                                                             {{"k", input_kind::roots, "[]"}},
                                                             std::vector<input_request>(17, ask_form("k"))};
    for (const auto& questions : impossible) {
        harness h;
        h.backend.scripted = [&](const tool_call&, call_reply& reply) -> outcome {
            const input_outcome asked = co_await reply.ask(questions, "");
            EXPECT_EQ(asked.what, state::unsupported);
            co_return proto::result<void>{};
        };
        h.modern("tools/call", call_params, able());
        EXPECT_EQ(h.bugs.size(), 1u);
    }
}

TEST(asking_again, works_for_prompts) {
    harness h({}, everything());
    const nlohmann::json first = h.modern("prompts/get", R"("name":"asks")", able())->json()["result"];
    EXPECT_EQ(first["resultType"], "input_required");
    const auto last = h.modern("prompts/get", R"("name":"asks","inputResponses":{"who":{"roots":[]}})", able());
    EXPECT_EQ(last->json()["result"]["resultType"], "complete");
    expect_rpc_error(*h.modern("prompts/get", R"("name":"asks","inputResponses":null)", able()), 200, -32602);
}

}  // namespace
}  // namespace common::mcp::test
