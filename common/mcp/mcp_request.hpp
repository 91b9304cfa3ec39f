// What the engine hands to a back end: the requests that clients send, as raw spans, without any protocol era in them.
// Plain values; every view stays valid until the back end's function has completed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/principal.hpp"

namespace common::mcp {

// What the client says it can do: 2026-07-28 with every request, before that in initialize. It is no right, only a promise
// that an answer will come.
struct client_abilities {
    bool elicitation_form = false;
    bool elicitation_url = false;
    bool sampling = false;
    bool sampling_tools = false;
    bool roots = false;
    bool tasks = false;  // io.modelcontextprotocol/tasks: may be answered with a task

    bool operator==(const client_abilities&) const = default;
};

// Who asks, and how the request is called in logs.
struct request_origin {
    const proto::principal* who = nullptr;
    std::string_view request_id;  // ours, "req_…": in logs, error envelopes and audit
    int depth = 0;                // how many sessions this call came through
    client_abilities client;
    std::string_view trace_parent;  // W3C Trace Context `traceparent`, checked for its form; or empty
};

// A request that may last, tell progress and ask back.
struct lasting_request : request_origin {
    bool wants_progress = false;  // the client sent a progressToken
    // What the back end gave to ask() in an earlier round of this request, unforgeable and bound to the caller and the
    // request; empty in the first round. Whoever finds it must not repeat what was done before that ask().
    std::string_view state;
};

// One tools/call.
struct tool_call : lasting_request {
    std::string_view tool;
    std::string_view arguments;  // raw JSON, one object, structurally checked; not validated against the schema
};

struct prompt_request : lasting_request {
    std::string_view name;
    std::string_view arguments;  // raw JSON, one object whose values are strings
};

struct resource_request : lasting_request {
    std::string_view uri;
};

// A page of resources/list, resources/templates/list or prompts/list.
struct list_request : request_origin {
    std::string_view position;  // list_page::next of the page before; empty for the first
};

struct list_page {
    std::string items;  // a raw JSON array, in a fixed order
    std::string next;   // where the next page begins, in the back end's own words; empty if there is none
};

struct completion_request : request_origin {
    bool is_prompt = false;          // else a resource template
    std::string_view reference;      // the prompt's name or the template's URI
    std::string_view argument;       // the argument's name
    std::string_view value;          // what has been typed of it
    std::string_view arguments_set;  // raw JSON object of the arguments that are settled, or "{}"
};

struct completion {
    std::vector<std::string> values;  // at most 100 are sent
    bool has_more = false;
};

// tasks/get, tasks/update and tasks/cancel.
struct task_request : request_origin {
    std::string_view task_id;
    std::string_view input_responses;  // tasks/update: a raw JSON object of objects, by key; else empty
};

// A property of a tool's arguments that clients repeat in the field `Mcp-Param-<header>` (2026-07-28).
struct header_parameter {
    std::string header;             // the value of x-mcp-header
    std::vector<std::string> path;  // of properties, from the root of the arguments
};

}  // namespace common::mcp
