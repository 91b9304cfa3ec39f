// Receives the result of one call, and carries what the call wants of the client meanwhile. Lives on the exchange's
// executor. Everything but the first three functions has an answer for replies that cannot do it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace common::mcp {

// RFC 5424 severities, as notifications/message has them.
enum class log_level : std::uint8_t { debug, info, notice, warning, error, critical, alert, emergency };

enum class input_kind : std::uint8_t { elicitation, sampling, roots };

// A question to the client or its user: elicitation/create, sampling/createMessage or roots/list.
struct input_request {
    std::string key;  // names the question within its call; 1–64 of [A-Za-z0-9_.-]
    input_kind kind = input_kind::elicitation;
    std::string params;  // raw JSON object, as the method has it; an elicitation without "mode" is a form
};

// `result` is the raw result object (ElicitResult, CreateMessageResult, ListRootsResult). It is the client's, so
// unchecked. Empty if the client answered with an error, which it may (−1: the user refused).
struct input_answer {
    std::string key;
    std::string result;
};

struct input_outcome {
    enum class state : std::uint8_t {
        answered,     // all of them; `answers` has one for each question, in their order
        suspended,    // the client sends the request again with its answers: return now, without writing
        unsupported,  // the client cannot be asked this. Returning without writing tells it what it would need
        withdrawn,    // by withdraw()
        unanswered,   // the client has gone, has cancelled, or took too long
    };
    state what = state::unsupported;
    std::vector<input_answer> answers;
};

// An error of JSON-RPC. For tools the exception: their failures are results with isError (proto::error).
struct protocol_error {
    int code = -32603;
    std::string message;
    std::string data;  // raw JSON, or empty
};

class call_reply {
public:
    virtual ~call_reply() = default;

    // The next piece of the result: one JSON object without resultType, _meta, ttlMs and cacheScope, cut anywhere. False:
    // the client has gone, stop. The first piece may be the last: the engine learns the end from call() completing.
    virtual boost::asio::awaitable<bool> write(std::string_view piece) = 0;
    virtual boost::asio::awaitable<bool> progress(double progress, std::optional<double> total,
                                                  std::string message) = 0;

    // Called once when the client cancels or goes away. An empty function removes the listener.
    virtual void on_cancel(std::function<void()> listener) = 0;

    // notifications/message, if the client wants that level. `data` is raw JSON. False: the client has gone.
    virtual boost::asio::awaitable<bool> log(log_level level, std::string_view logger, std::string_view data);

    // Asks the client; all questions at once. Until 2025-11-25 this waits for the answers. In 2026-07-28 the request ends
    // here and comes again: the handler then runs from its beginning, `state` is its request's state, and this same ask()
    // is `answered`, as are all before it. So a handler must ask in a fixed order, with keys that differ between rounds,
    // and what must happen once only has to be told by `state`.
    // With a state, only answers to questions that were asked before count; without one, a client may send an answer
    // unasked, along with its first request.
    virtual boost::asio::awaitable<input_outcome> ask(std::vector<input_request> questions, std::string state);
    // Ends an ask() that waits, e.g. since somebody else has answered. On the executor.
    virtual void withdraw();

    // Instead of a result; the handler then returns without having written.
    // A Task object {taskId, status, createdAt, lastUpdatedAt, ttlMs, …} as raw JSON without resultType. Only for a client
    // with the ability `tasks`; any other is told that it needs it. The back end answers tasks/get for it from now on.
    virtual void end_as_task(std::string task);
    virtual void end_as_error(protocol_error error);

    // Ends the stream before its result; the client comes back for the rest after `retry`, if it is one that can
    // (2025-11-25, in a session). Otherwise nothing happens.
    virtual boost::asio::awaitable<void> pause_stream(std::chrono::milliseconds retry);
};

}  // namespace common::mcp
