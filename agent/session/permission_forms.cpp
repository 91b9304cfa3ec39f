#include "agent/session/permission_forms.hpp"

#include <algorithm>
#include <utility>

#include "agent/claude/json_access.hpp"
#include "agent/session/event_bodies.hpp"

namespace agent::session {

using claude::copy_of;
using claude::flag_of;
using claude::member;
using claude::text_of;
using proto::error_code;
using proto::fail;

namespace {

constexpr std::string_view question_tool = "AskUserQuestion";
constexpr std::string_view plan_tool = "ExitPlanMode";
constexpr std::size_t message_bytes_max = 8192;
constexpr std::size_t one_answer_bytes_max = 8192;
constexpr std::size_t shown_bytes_max = 64 * 1024;  // of questions or a plan; the input has them whole

bool is_utf8(const json& value) {
    // nlohmann checks while it writes, and tells by an exception only.
    try {
        std::ignore = value.dump();
        return true;
    } catch (const json::type_error&) {
        return false;
    }
}

json parsed(const std::string& text) { return text.empty() ? json() : json::parse(text, nullptr, false); }

proto::result<void> check_form(const permission_answer& given) {
    const bool allow = given.behavior == permission_behavior::allow;
    const bool changes = !given.updated_input.empty() || !given.updated_permissions.empty() || !given.answers.empty() ||
                         !given.permission_mode.empty() || given.for_session;
    if (!allow && changes)
        return fail(error_code::invalid_argument,
                    "updated_input, updated_permissions, answers and permission_mode go with an allowance only.");
    if (allow && (given.interrupt || !given.message.empty()))
        return fail(error_code::invalid_argument, "message and interrupt go with deny only.");
    if (!given.updated_input.empty() && !parsed(given.updated_input).is_object())
        return fail(error_code::invalid_argument, "updated_input must be an object.");
    if (!given.updated_permissions.empty() && !parsed(given.updated_permissions).is_array())
        return fail(error_code::invalid_argument, "updated_permissions must be an array.");
    if (given.message.size() > message_bytes_max || !is_utf8(given.message))
        return fail(error_code::invalid_argument, "message may have 8192 bytes of UTF-8.");
    return {};
}

// Rules that claude did not propose for this very request are nobody's to make.
proto::result<void> check_updates(const std::string& updates, const std::string& suggestions) {
    if (updates.empty()) return {};
    const json proposed = parsed(suggestions);
    for (const json& wanted : parsed(updates)) {
        const bool found = std::ranges::any_of(proposed, [&](json one) {
            if (text_of(wanted, "destination") == "session") one["destination"] = "session";
            return one == wanted;
        });
        if (!found)
            return fail(error_code::invalid_argument,
                        "updated_permissions has an entry that is none of the request's suggestions.",
                        "Pass entries of `suggestions` as they are, or with `destination` \"session\".");
    }
    return {};
}

// One answer as claude reads it: several choices are one text.
proto::result<std::string> answer_text(const json& question, const json& value) {
    const std::string name = bounded_text(text_of(question, "question"), 200);
    std::string out;
    if (value.is_string()) {
        out = value.get<std::string>();
    } else if (value.is_array() && flag_of(question, "multiSelect")) {
        for (const auto& one : value) {
            if (!one.is_string()) return fail(error_code::invalid_argument, "answers may list texts only.");
            out += (out.empty() ? "" : ", ") + one.get<std::string>();
        }
    } else {
        return fail(error_code::invalid_argument, "The answer to \"" + name + "\" must be one text.",
                    "Only a question with multiSelect takes a list.");
    }
    if (out.empty() || out.size() > one_answer_bytes_max || !is_utf8(out))
        return fail(error_code::invalid_argument, "The answer to \"" + name + "\" must have 1 to 8192 bytes of UTF-8.");
    return out;
}

proto::result<void> fit_questions(permission_answer& given, const events::permission_row& asked) {
    json input = parsed(asked.input);
    const auto* questions = member(input, "questions");
    const json answers = parsed(given.answers);
    if (!questions || !questions->is_array())
        return fail(error_code::invalid_argument, "The questions are too long to be answered here.", "Deny them.");
    if (!answers.is_object())
        return fail(error_code::invalid_argument, "This request asks questions: answers must have an answer to each.",
                    "Pass {\"answers\": {\"<the question's text>\": \"<a label, or your own words>\"}}, or deny.");
    json texts = json::object();
    for (const auto& question : *questions) {
        const std::string name = text_of(question, "question");
        const auto* value = member(answers, name);
        if (!value)
            return fail(error_code::invalid_argument, "answers has none to \"" + bounded_text(name, 200) + "\".",
                        "Answer every question.");
        auto text = answer_text(question, *value);
        if (!text) return std::unexpected(std::move(text.error()));
        texts[name] = std::move(*text);
    }
    if (texts.size() != answers.size())
        return fail(error_code::invalid_argument, "answers has an answer to a question that was not asked.",
                    "Its names are the questions' texts.");
    given.answers = dump(texts);
    input["answers"] = std::move(texts);
    given.updated_input = dump(input);
    return {};
}

// With the members that people are shown, each of the type that it should be: a model wrote them.
json questions_of(const json& input) {
    json out = json::array();
    for (const auto& from : copy_of(input, "questions", json::array())) {
        json question = {{"question", text_of(from, "question")},
                         {"header", text_of(from, "header")},
                         {"multiSelect", flag_of(from, "multiSelect")},
                         {"options", json::array()}};
        for (const auto& option : copy_of(from, "options", json::array()))
            question["options"].push_back(
                {{"label", text_of(option, "label")}, {"description", text_of(option, "description")}});
        out.push_back(std::move(question));
    }
    return out;
}

}  // namespace

bool needs_interaction(const events::permission_row& asked) {
    return asked.tool_name == question_tool || asked.tool_name == plan_tool;
}

json permission_details(const claude::permission_ask& ask) {
    json out = {{"kind", "tool"}};
    const auto tell = [&](const char* name, const std::string& text, std::size_t bytes) {
        if (!text.empty()) out[name] = bounded_text(text, bytes);
    };
    constexpr std::size_t short_text = 4096;
    tell("title", ask.title, short_text);
    tell("blockedPath", ask.blocked_path, short_text);
    tell("decisionReason", ask.decision_reason, short_text);
    tell("agentId", ask.agent_id, short_text);
    if (ask.tool_name == question_tool) {
        out["kind"] = "question";
        out["questions"] = questions_of(ask.input);
        if (dump(out["questions"]).size() > shown_bytes_max) out.erase("questions");
    } else if (ask.tool_name == plan_tool) {
        out["kind"] = "plan";
        tell("plan", text_of(ask.input, "plan"), shown_bytes_max);
        tell("planFile", text_of(ask.input, "planFilePath"), short_text);
    }
    return out;
}

proto::result<permission_answer> fit_answer(permission_answer given, const events::permission_row& asked) {
    if (auto good = check_form(given); !good) return std::unexpected(std::move(good.error()));
    const bool asks_questions = asked.tool_name == question_tool;
    const bool is_plan = asked.tool_name == plan_tool;
    if (!asks_questions && !given.answers.empty())
        return fail(error_code::invalid_argument, "answers are for requests that ask questions; this one does not.");
    if (!is_plan && !given.permission_mode.empty())
        return fail(error_code::invalid_argument, "permission_mode is for the approval of a plan; this is none.");
    if (given.behavior == permission_behavior::deny) return given;
    if (auto good = check_updates(given.updated_permissions, asked.suggestions); !good)
        return std::unexpected(std::move(good.error()));
    if (asks_questions) {
        if (!given.updated_input.empty())
            return fail(error_code::invalid_argument, "Questions are answered by answers, not by updated_input.");
        if (auto good = fit_questions(given, asked); !good) return std::unexpected(std::move(good.error()));
    }
    if (!given.permission_mode.empty()) {
        json updates = given.updated_permissions.empty() ? json::array() : parsed(given.updated_permissions);
        updates.push_back({{"type", "setMode"}, {"mode", given.permission_mode}, {"destination", "session"}});
        given.updated_permissions = dump(updates);
    }
    return given;
}

json answer_details(const permission_answer& answer) {
    json out = json::object();
    if (!answer.message.empty()) out["message"] = answer.message;
    if (answer.interrupt) out["interrupt"] = true;
    if (!answer.answers.empty())
        out["answers"] = bounded_payload(parsed(answer.answers));
    else if (!answer.updated_input.empty())
        out["inputChanged"] = true;
    if (!answer.updated_permissions.empty())
        out["updatedPermissions"] = bounded_payload(parsed(answer.updated_permissions));
    return out;
}

}  // namespace agent::session
