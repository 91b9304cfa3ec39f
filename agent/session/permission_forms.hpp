// The forms of claude's permission requests and of their answers: a tool's use, questions (AskUserQuestion), a plan
// (ExitPlanMode), as of Claude Code 2.1.329. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "agent/claude/stream_message.hpp"
#include "agent/events/permission_rows.hpp"
#include "agent/session/engine.hpp"
#include "proto/error.hpp"

namespace agent::session {

// Questions and plans: only somebody's own answer makes sense.
bool needs_interaction(const events::permission_row& asked);

// events::permission_row::details of a request: its kind, and what one must know to answer it.
nlohmann::json permission_details(const claude::permission_ask& ask);

// The answer with everything in it that claude takes: answers to questions and the mode after a plan become its input and
// its rules. Or why it is no answer to this request.
proto::result<permission_answer> fit_answer(permission_answer given, const events::permission_row& asked);

// What readers are told of an answer besides its sense and who gave it.
nlohmann::json answer_details(const permission_answer& answer);

}  // namespace agent::session
