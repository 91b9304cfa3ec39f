#include "agent/session/permission_forms.hpp"

#include <gtest/gtest.h>

#include "agent/claude/stream_decode.hpp"
#include "agent/session/event_bodies.hpp"
#include "tests/agent/claude/captured.hpp"

namespace agent::session {
namespace {

using proto::error_code;

claude::permission_ask captured_ask(const std::string& capture) {
    for (const auto& line : tests::captured(capture)) {
        auto message = claude::decode(line);
        if (auto* ask = std::get_if<claude::permission_ask>(&message)) return std::move(*ask);
    }
    return {};
}

events::permission_row asked(const std::string& tool, const json& input, const json& suggestions = json::array()) {
    claude::permission_ask ask;
    ask.tool_name = tool;
    ask.input = input;
    ask.suggestions = suggestions;
    return permission_row_of("s", ask, 1);
}

const json questions = {{"questions",
                         {{{"question", "Which?"}, {"header", "H"}, {"multiSelect", false}},
                          {{"question", "What else?"}, {"header", "E"}, {"multiSelect", true}}}}};

permission_answer allow() {
    permission_answer out;
    out.behavior = permission_behavior::allow;
    return out;
}

permission_answer answers(const json& given) {
    auto out = allow();
    out.answers = given.dump();
    return out;
}

error_code refused(const permission_answer& given, const events::permission_row& row) {
    const auto fitting = fit_answer(given, row);
    EXPECT_FALSE(fitting);
    return fitting ? error_code::internal : fitting.error().code;
}

TEST(PermissionForms, AToolsUseTellsWhatClaudeSaysOfIt) {
    const json told = permission_details(captured_ask("03_permission_allow"));
    EXPECT_EQ(told["kind"], "tool");
    EXPECT_TRUE(told["blockedPath"].get<std::string>().ends_with("/made_by_bash"));
    EXPECT_FALSE(told.contains("questions"));
}

TEST(PermissionForms, QuestionsAreToldAndAnsweredByTheirTexts) {
    const auto ask = captured_ask("53_ask_user_question");
    const json told = permission_details(ask);
    EXPECT_EQ(told["kind"], "question");
    ASSERT_EQ(told["questions"].size(), 1u);
    EXPECT_EQ(told["questions"][0]["question"], "Which colour?");
    EXPECT_EQ(told["questions"][0]["options"][1], json({{"label", "Blue"}, {"description", "b"}}));

    const auto row = permission_row_of("s", ask, 1);
    const auto fitting = fit_answer(answers({{"Which colour?", "Blue"}}), row);
    ASSERT_TRUE(fitting);
    json expected = ask.input;
    expected["answers"] = {{"Which colour?", "Blue"}};
    EXPECT_EQ(json::parse(fitting->updated_input), expected);
    EXPECT_EQ(answer_details(*fitting), json({{"answers", {{"Which colour?", "Blue"}}}}));
}

TEST(PermissionForms, SeveralChoicesAreOneText) {
    const auto row = asked("AskUserQuestion", questions);
    const auto fitting = fit_answer(answers({{"Which?", "my own"}, {"What else?", {"A", "B"}}}), row);
    ASSERT_TRUE(fitting) << fitting.error().message;
    EXPECT_EQ(json::parse(fitting->updated_input)["answers"], json({{"Which?", "my own"}, {"What else?", "A, B"}}));
}

TEST(PermissionForms, EveryQuestionIsAnsweredAndNoOther) {
    const auto row = asked("AskUserQuestion", questions);
    for (const auto& bad :
         {json({{"Which?", "A"}}), json({{"Which?", "A"}, {"What else?", ""}}),
          json({{"Which?", "A"}, {"What else?", 7}}), json({{"Which?", {"A"}}, {"What else?", "B"}}),
          json({{"Which?", "A"}, {"What else?", json::array()}}), json({{"Which?", "A"}, {"What else?", {1}}}),
          json({{"Which?", "A"}, {"What else?", "B"}, {"Who?", "C"}}), json::array(), json("A"),
          json({{"Which?", std::string(9000, 'x')}, {"What else?", "B"}})})
        EXPECT_EQ(refused(answers(bad), row), error_code::invalid_argument) << bad;
    EXPECT_EQ(refused(allow(), row), error_code::invalid_argument) << "allowed without an answer";
    auto both = answers({{"Which?", "A"}, {"What else?", "B"}});
    both.updated_input = "{}";
    EXPECT_EQ(refused(both, row), error_code::invalid_argument);
    permission_answer deny;
    deny.message = "Ask me tomorrow.";
    EXPECT_TRUE(fit_answer(deny, row));
}

TEST(PermissionForms, QuestionsThatAModelSpoiltAreToldInTheirShape) {
    const json spoilt = {
        {"questions", {7, {{"question", 1}, {"options", {"A", {{"label", 2}}}}}, {{"options", "none"}}}}};
    claude::permission_ask ask;
    ask.tool_name = "AskUserQuestion";
    ask.input = spoilt;
    for (const auto& question : permission_details(ask)["questions"]) {
        EXPECT_TRUE(question["question"].is_string());
        EXPECT_TRUE(question["options"].is_array());
    }
    ask.input = {{"questions", "none"}};
    EXPECT_EQ(permission_details(ask)["kind"], "question");
    ask.input = {{"questions", {{{"question", std::string(100'000, 'x')}}}}};
    EXPECT_FALSE(permission_details(ask).contains("questions"));
}

TEST(PermissionForms, APlanIsApprovedWithAModeOrSentBack) {
    claude::permission_ask ask;
    ask.tool_name = "ExitPlanMode";
    ask.input = {{"plan", "# The plan"}, {"planFilePath", "/home/a/.claude/plans/p.md"}};
    const json told = permission_details(ask);
    EXPECT_EQ(told["kind"], "plan");
    EXPECT_EQ(told["plan"], "# The plan");
    EXPECT_EQ(told["planFile"], "/home/a/.claude/plans/p.md");
    EXPECT_EQ(permission_details(captured_ask("54_plan_exit")), json({{"kind", "plan"}})) << "claude wrote none";

    const auto row = permission_row_of("s", ask, 1);
    EXPECT_EQ(fit_answer(allow(), row)->updated_permissions, "");
    auto approved = allow();
    approved.permission_mode = "acceptEdits";
    const json mode = {{"type", "setMode"}, {"mode", "acceptEdits"}, {"destination", "session"}};
    EXPECT_EQ(json::parse(fit_answer(approved, row)->updated_permissions), json::array({mode}));
    EXPECT_EQ(refused(approved, asked("Bash", {})), error_code::invalid_argument);
    EXPECT_EQ(refused(answers({}), row), error_code::invalid_argument);
}

TEST(PermissionForms, WhatDoesNotFitTogetherIsRefused) {
    const auto row = asked("Bash", {{"command", "ls"}});
    const auto check = [&](auto change) {
        permission_answer given;
        change(given);
        EXPECT_EQ(refused(given, row), error_code::invalid_argument);
    };
    constexpr auto yes = permission_behavior::allow;
    check([](auto& a) { a.behavior = yes, a.message = "x"; });
    check([](auto& a) { a.behavior = yes, a.interrupt = true; });
    check([](auto& a) { a.updated_input = "{}"; });
    check([](auto& a) { a.updated_permissions = "[]"; });
    check([](auto& a) { a.answers = "{}"; });
    check([](auto& a) { a.permission_mode = "default"; });
    check([](auto& a) { a.behavior = yes, a.updated_input = "[]"; });
    check([](auto& a) { a.behavior = yes, a.updated_permissions = "{}"; });
    check([](auto& a) { a.message = "\xff"; });
    check([](auto& a) { a.message = std::string(9000, 'x'); });
}

TEST(PermissionForms, OnlyClaudesOwnSuggestionsBecomeRules) {
    const json suggestion = {
        {"type", "addRules"}, {"rules", {{{"toolName", "Bash"}}}}, {"destination", "localSettings"}};
    const auto row = asked("Bash", {}, json::array({suggestion}));
    const auto fits = [&](json wanted) {
        auto given = allow();
        given.updated_permissions = json::array({std::move(wanted)}).dump();
        return fit_answer(given, row).has_value();
    };
    EXPECT_TRUE(fits(suggestion));
    const auto changed = [&](const char* name, json value) {
        json out = suggestion;
        out[name] = std::move(value);
        return out;
    };
    EXPECT_TRUE(fits(changed("destination", "session"))) << "narrower";
    EXPECT_FALSE(fits(changed("destination", "userSettings"))) << "wider";
    EXPECT_FALSE(fits(changed("rules", {{{"toolName", "*"}}})));
    EXPECT_FALSE(fits(7));
}

}  // namespace
}  // namespace agent::session
