// Questions that a call on a machine asks the call's client, as values: decoding as strict as in messages.hpp. One call
// asks one round at a time; its number tells the rounds apart, since an answer and a withdrawal may cross.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/messages.hpp"

namespace proto {

// In call_header::abilities, and the kind of a question: a form for the person at the client (MCP: elicitation).
constexpr std::string_view form_ability = "form";

struct question {
    std::string key;  // names it within the call: 1 to 64 of [A-Za-z0-9_.-]
    std::string kind{form_ability};
    std::string params;  // a raw JSON object, the kind's own
    bool operator==(const question&) const = default;
};

// agent → hub.
struct ask_message {
    std::vector<question> questions;  // 1 to mcp_questions_max, with different keys
    std::string state;                // comes back in call_header::state, should the client send its call again
    bool operator==(const ask_message&) const = default;
};

enum class ask_outcome {
    answered,     // all of them
    suspended,    // the client sends the call again with its answers: this one is over, without a result
    unsupported,  // the client cannot be asked
    unanswered,   // it has gone, or took too long
};

struct question_answer {
    std::string key;
    std::string result;  // the client's own JSON object, unchecked; empty if it refused to answer
    bool operator==(const question_answer&) const = default;
};

// hub → agent.
struct answers_message {
    ask_outcome outcome = ask_outcome::unanswered;
    std::vector<question_answer> answers;  // in the questions' order, if they were answered
    bool operator==(const answers_message&) const = default;
};

std::string encode(const ask_message& m);
// What cannot be sent (too long, too deep) becomes `unanswered`: a client's answer must not end a machine's link.
std::string encode(const answers_message& m);

decoded<ask_message> decode_ask(std::string_view json);
decoded<answers_message> decode_answers(std::string_view json);

}  // namespace proto
