// The MCP endpoint: everything that POST, GET and DELETE on /mcp mean, for any back end.
// The caller has already checked Host, Origin and rates, answered preflights and found out who is calling; CORS fields
// are its own too (cors.hpp). One engine serves all connections of a program, from any thread: each exchange stays on the executor of
// its connection, and what exchanges share (ended sessions, calls in flight) has its own lock.
// Nothing here fails towards the caller: every outcome is an answer on the exchange.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/backend.hpp"
#include "common/net/http.hpp"
#include "proto/limits.hpp"
#include "proto/principal.hpp"

namespace common::mcp {

struct engine_options {
    std::string server_name = "codez";  // serverInfo
    std::string server_title = "CodeZ";
    std::string server_version = "0";

    // Authenticated encryption under a key that all replicas share (crypto::sealer). seal() answers visible ASCII without
    // spaces, as it travels in a header; open() what was sealed with the same associated data, or nullopt for anything
    // else. Called from any thread.
    std::function<std::string(std::string_view plain, std::string_view associated)> seal;
    std::function<std::optional<std::string>(std::string_view sealed, std::string_view associated)> open;
    // So many unguessable characters of [a-z0-9] (crypto::random_token). Called from any thread.
    std::function<std::string(std::size_t length)> random_token;
    // WWW-Authenticate for a call that was refused for want of a right that its caller could get (RFC 6750 §3.1): the answer
    // is 403 then. Nothing for every other error. May be empty.
    std::function<std::optional<std::string>(const proto::principal& who, const proto::error& error)> challenge;
    // Told of an exception out of the back end: a bug, to be logged by request id. May be empty.
    std::function<void(std::string_view request_id, std::string_view what)> report_bug;

    // Server-to-client questions of older clients are answered by a POST of its own, which may reach another replica. This
    // one's name goes into the question's id; an answer to another's is handed to `forward_answer` (result: raw JSON,
    // empty for an error), which passes it to that engine's take_answer(). Without the function it is dropped.
    std::string replica = "1";
    std::function<void(std::string_view replica, std::string_view question, std::string_view result)> forward_answer;
    // The wall clock; called from any thread.
    std::function<std::chrono::system_clock::time_point()> now = [] { return std::chrono::system_clock::now(); };

    // A call that lasts longer is answered as an event stream, if the client takes one: clients and proxies cut silence.
    std::chrono::milliseconds stream_after{proto::limits::sse_upgrade_ms};
    // Between two comments on a silent event stream.
    std::chrono::milliseconds comment_every{proto::limits::sse_comment_ms};

    // How long a client may use a list or a resource without asking again (2026-07-28, ttlMs).
    std::chrono::milliseconds lists_fresh_for{proto::limits::mcp_lists_fresh_ms};
    std::chrono::milliseconds resources_fresh_for{0};
    std::chrono::milliseconds question_wait_max{proto::limits::mcp_question_ms_max};
    std::chrono::milliseconds request_state_lasts{proto::limits::mcp_state_ms_max};
    // A call whose client has gone goes on so long, if the client can come back for its stream.
    std::chrono::milliseconds resume_within{proto::limits::mcp_resume_ms_max};

    std::size_t body_bytes_max = proto::limits::http_body_bytes_max;
    std::size_t answer_bytes_buffered_max = 64 * proto::limits::kib;  // a longer result is sent while it arrives
    std::size_t batch_messages_max = 50;
    std::size_t ended_sessions_max = 65'536;
    std::size_t calls_in_flight_max = 65'536;
    std::size_t listeners_max = proto::limits::mcp_listeners_max;
    std::size_t listeners_per_principal_max = proto::limits::mcp_listeners_per_principal_max;
    std::size_t watched_max = proto::limits::mcp_watched_max;
    std::size_t sessions_kept_max = proto::limits::mcp_sessions_kept_max;
    std::size_t streams_kept_max = proto::limits::mcp_streams_kept_max;
    std::size_t stream_bytes_kept_max = proto::limits::mcp_stream_bytes_kept_max;
    std::size_t bytes_kept_max = proto::limits::mcp_bytes_kept_max;
    std::size_t questions_waiting_max = proto::limits::mcp_questions_waiting_max;
};

class engine {
public:
    // The back end outlives the engine, and the engine every exchange given to it.
    engine(backend& tools, engine_options options);
    ~engine();
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    // Answers the exchange; completes when that is done. Runs on the exchange's executor. `who` and the exchange outlive
    // the returned awaitable. `depth`: how many CodeZ sessions this call came through.
    // The answer carries X-Request-Id, which errors, logs and audit name too.
    //
    // call_reply::on_cancel fires both for notifications/cancelled and when the client closes the response: either ends
    // the waiting only, never what a session is doing.
    boost::asio::awaitable<void> handle(net::http_exchange& exchange, const proto::principal& who, int depth);

    // Another replica's forward_answer(). False: the question is not waited for any more. Any thread.
    bool take_answer(std::string_view question, std::string_view result);
    // Ends the change streams of those principals, gracefully: on shutdown. Any thread.
    void end_streams(const std::function<bool(const proto::principal&)>& of_whom);
    // Their rights are gone: ends their change streams, and the waiting of their calls as if they had cancelled them. Any
    // thread.
    void shut_out(const std::function<bool(const proto::principal&)>& of_whom);

private:
    class state;
    std::unique_ptr<state> state_;
};

}  // namespace common::mcp
