// Questions that calls ask their clients: the messages, and the rules that both sides of a link hold each other to.
#include "proto/questions.hpp"

#include <gtest/gtest.h>

#include "proto/limits.hpp"
#include "tests/proto/link_pair.hpp"

namespace proto {
namespace {

using test::link_pair;

const ask_message form{{{"k", "form", R"({"message":"May I?"})"}}, "state"};
const answers_message yes{ask_outcome::answered, {{"k", R"({"action":"accept"})"}}};

// A call whose client can be asked.
struct asking_pair : link_pair {
    asking_pair() {
        establish();
        auto header = test::header_of("send_prompt");
        header.abilities = {std::string(form_ability), "something new"};
        id = hub->send_call(header, "{}").value();
        run();
    }
    bool ask() {
        const bool asked = agent->ask(id, form);
        run();
        return asked;
    }
    std::uint64_t id = 0;
};

TEST(questions, come_back_whole) {
    EXPECT_EQ(decode_ask(encode(form)), form);
    const ask_message two{{{"a.b-C_1", "form", "{}"}, {"b", "form", R"({"x":[1,{"y":null}]})"}}, ""};
    EXPECT_EQ(decode_ask(encode(two)), two);
    EXPECT_EQ(decode_answers(encode(yes)), yes);
    const answers_message refused{ask_outcome::answered, {{"a", ""}, {"b", "{}"}}};
    EXPECT_EQ(decode_answers(encode(refused)), refused);
    for (const auto outcome : {ask_outcome::suspended, ask_outcome::unsupported, ask_outcome::unanswered})
        EXPECT_EQ(decode_answers(encode(answers_message{outcome, {}})), (answers_message{outcome, {}}));
}

TEST(questions, are_decoded_strictly) {
    for (const char* broken :
         {"", "[]", "{}", R"({"questions":[]})", R"({"questions":{}})", R"({"questions":[5]})",
          R"({"questions":[{"key":"k","kind":"form"}]})", R"({"questions":[{"key":"k","kind":"form","params":[]}]})",
          R"({"questions":[{"key":"","kind":"form","params":{}}]})",
          R"({"questions":[{"key":"a b","kind":"form","params":{}}]})",
          R"({"questions":[{"key":"k","kind":"sampling","params":{}}]})",
          R"({"questions":[{"key":"k","kind":"form","params":{}},{"key":"k","kind":"form","params":{}}]})",
          R"({"questions":[{"key":"k","kind":"form","params":{}}],"state":5})"})
        EXPECT_FALSE(decode_ask(broken)) << broken;
    EXPECT_FALSE(decode_ask(encode(ask_message{std::vector<question>(17, {"k", "form", "{}"}), ""})));
    EXPECT_FALSE(decode_ask(encode(ask_message{form.questions, std::string(limits::mcp_state_bytes_max + 1, 's')})));
    for (const char* broken : {"", "{}", R"({"outcome":"sure"})", R"({"outcome":5})", R"({"outcome":"answered"})",
                               R"({"outcome":"answered","answers":[{"result":{}}]})",
                               R"({"outcome":"answered","answers":[{"key":"k","result":5}]})"})
        EXPECT_FALSE(decode_answers(broken)) << broken;
}

TEST(questions, a_clients_answer_that_cannot_be_sent_is_none) {
    const std::string deep(70, '[');
    const std::string ends(70, ']');
    for (const std::string& result :
         {R"({"x":")" + std::string(limits::answers_bytes_max, 'x') + "\"}", R"({"x":)" + deep + ends + "}"}) {
        const auto sent = decode_answers(encode(answers_message{ask_outcome::answered, {{"k", result}}}));
        ASSERT_TRUE(sent);
        EXPECT_EQ(sent->outcome, ask_outcome::unanswered);
    }
    const auto no_object = decode_answers(encode(answers_message{ask_outcome::answered, {{"k", "5"}}}));
    EXPECT_EQ(no_object->answers.at(0).result, "");
}

TEST(questions, go_to_the_client_and_the_answers_come_back) {
    asking_pair p;
    for (std::uint32_t round = 1; round <= 3; ++round) {
        p.clear();
        ASSERT_TRUE(p.ask());
        EXPECT_FALSE(p.agent->ask(p.id, form)) << "one is open";
        const auto received = p.of_hub<hub_action::question_received>();
        ASSERT_EQ(received.size(), 1U);
        EXPECT_EQ(received[0].number, round);
        EXPECT_EQ(received[0].asked, form);
        p.hub->answer(p.id, round, yes);
        p.hub->answer(p.id, round, yes);  // without effect
        p.run();
        const auto answered = p.of_agent<agent_action::question_answered>();
        ASSERT_EQ(answered.size(), 1U);
        EXPECT_EQ(answered[0].answers, yes);
    }
    p.agent->reply_chunk(p.id, "{}");
    EXPECT_FALSE(p.agent->ask(p.id, form)) << "the result has begun";
    p.agent->finish(p.id);
    p.run();
    EXPECT_EQ(p.passed_on(p.id), "{}");
    EXPECT_EQ(p.hub_close_code() + p.agent_close_code(), 0);
}

TEST(questions, are_asked_only_where_the_header_says_that_they_can_be) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    EXPECT_FALSE(p.agent->ask(id, form));
    EXPECT_FALSE(p.agent->ask(id + 1, form));
    EXPECT_FALSE(p.agent->has_output());
}

TEST(questions, a_call_that_comes_again_is_over) {
    asking_pair p;
    p.ask();
    p.hub->answer(p.id, 1, {ask_outcome::suspended, {}});
    EXPECT_FALSE(p.hub->is_open(p.id));
    p.run();
    EXPECT_FALSE(p.agent->is_open(p.id));
    ASSERT_EQ(p.of_agent<agent_action::question_answered>().size(), 1U);
    p.agent->reply_chunk(p.id, "{}");
    p.agent->finish(p.id);
    p.run();
    EXPECT_TRUE(p.of_hub<hub_action::reply_chunk>().empty() && p.of_hub<hub_action::reply_failed>().empty());
}

TEST(questions, the_last_call_that_comes_again_lets_a_drained_link_end) {
    asking_pair p;
    p.ask();
    p.hub->drain();
    p.run();
    EXPECT_TRUE(p.of_hub<hub_action::drained>().empty());
    p.hub->answer(p.id, 1, {ask_outcome::suspended, {}});
    p.run();
    EXPECT_EQ(p.of_hub<hub_action::drained>().size(), 1U);
}

TEST(questions, an_answer_and_a_withdrawal_may_cross) {
    asking_pair p;
    p.ask();
    p.agent->withdraw(p.id);
    p.hub->answer(p.id, 1, yes);
    EXPECT_TRUE(p.agent->ask(p.id, form));
    p.run();
    EXPECT_TRUE(p.of_agent<agent_action::question_answered>().empty()) << "it answers the one that was taken back";
    EXPECT_EQ(p.of_hub<hub_action::question_received>().back().number, 2U);
    p.hub->answer(p.id, 1, yes);
    p.hub->answer(p.id, 2, yes);
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::question_answered>().size(), 1U);
    EXPECT_EQ(p.hub_close_code() + p.agent_close_code(), 0);
}

TEST(questions, taken_back_are_not_answered) {
    asking_pair p;
    p.ask();
    p.agent->withdraw(p.id);
    p.agent->withdraw(p.id);
    p.run();
    EXPECT_EQ(p.of_hub<hub_action::question_withdrawn>().size(), 1U);
    p.hub->answer(p.id, 1, yes);
    EXPECT_FALSE(p.hub->has_output());
    p.agent->reply_chunk(p.id, "{}");
    p.agent->finish(p.id);
    p.run();
    EXPECT_EQ(p.passed_on(p.id), "{}");
}

TEST(questions, a_result_takes_the_open_question_back) {
    asking_pair p;
    p.ask();
    p.agent->reply_chunk(p.id, "{}");
    p.agent->finish(p.id);
    p.run();
    EXPECT_EQ(p.of_hub<hub_action::question_withdrawn>().size(), 1U);
    EXPECT_EQ(p.passed_on(p.id), "{}");
}

TEST(questions, a_call_with_a_state_goes_only_to_a_machine_that_knows_it) {
    for (const bool knows : {false, true}) {
        link_pair p;
        if (knows) p.agent_config.greeting.abilities = {std::string(questions_ability)};
        p.establish();
        auto header = test::header_of("send_prompt");
        header.state = "state";
        const auto sent = p.hub->send_call(header, "{}");
        EXPECT_EQ(sent.has_value(), knows);
        if (!knows) EXPECT_EQ(sent.error().code, error_code::unsupported_by_machine);
        p.run();
        if (knows) EXPECT_EQ(p.of_agent<agent_action::call_received>().at(0).header.state, "state");
    }
}

// `message` comes from the machine, whose call's client can be asked.
void expect_machine_cut(bool asks_before, const std::string& message, std::uint16_t code = 4400) {
    asking_pair p;
    if (asks_before) p.ask();
    p.inject(message);
    EXPECT_EQ(p.hub_close_code(), code);
    EXPECT_EQ(p.of_hub<hub_action::reply_failed>().size(), 1U);
}

TEST(hostile_machine, asks_by_the_rules_or_not_at_all) {
    const auto ask = [](std::uint64_t id, std::uint32_t number, const std::string& json = encode(form)) {
        std::string out;
        append_ask(out, id, number, json);
        return out;
    };
    const auto withdraw = [](std::uint64_t id, std::uint32_t number) {
        std::string out;
        append_withdraw(out, id, number);
        return out;
    };
    std::string reply;
    append_reply(reply, 1, "{}", false);
    expect_machine_cut(false, ask(2, 1));
    expect_machine_cut(false, ask(0, 1));
    expect_machine_cut(false, ask(1, 0));
    expect_machine_cut(false, ask(1, 2));
    expect_machine_cut(true, ask(1, 2));
    expect_machine_cut(true, ask(1, 1));
    expect_machine_cut(false, ask(1, 1, "{}"));
    expect_machine_cut(false, ask(1, 1, std::string(limits::ask_bytes_max + 1, ' ')), 4413);
    expect_machine_cut(false, reply + ask(1, 1));
    expect_machine_cut(true, reply);
    expect_machine_cut(false, withdraw(1, 1));
    expect_machine_cut(true, withdraw(1, 2));
    expect_machine_cut(true, withdraw(1, 0));
    expect_machine_cut(true, withdraw(2, 1));
    std::string answers;
    append_answers(answers, 1, 1, encode(yes));
    expect_machine_cut(true, answers);

    link_pair p;
    p.establish();
    p.call();
    p.run();
    p.inject(ask(1, 1));
    EXPECT_EQ(p.hub_close_code(), 4400) << "its client cannot be asked";
}

TEST(hostile_hub, answers_what_was_asked) {
    const auto expect_cut = [](const std::string& json, std::uint32_t number, std::uint64_t id, std::uint16_t code) {
        asking_pair p;
        p.ask();
        std::string message;
        append_answers(message, id, number, json);
        p.agent->on_message(message, p.now);
        p.run();
        EXPECT_EQ(p.agent_close_code(), code) << json;
    };
    expect_cut(encode(yes), 1, 1, 0);
    expect_cut(encode(yes), 2, 1, 4400);
    expect_cut(encode(yes), 0, 1, 4400);
    expect_cut(encode(yes), 1, 2, 4400);
    expect_cut("{}", 1, 1, 4400);
    expect_cut(encode(answers_message{ask_outcome::answered, {}}), 1, 1, 4400);
    expect_cut(encode(answers_message{ask_outcome::answered, {{"other", "{}"}}}), 1, 1, 4400);
    expect_cut(std::string(limits::answers_bytes_max + 1, ' '), 1, 1, 4413);
    asking_pair p;
    std::string unasked;
    append_answers(unasked, 1, 1, encode(yes));
    p.agent->on_message(unasked, p.now);
    p.run();
    EXPECT_EQ(p.agent_close_code(), 4400);
}

}  // namespace
}  // namespace proto
