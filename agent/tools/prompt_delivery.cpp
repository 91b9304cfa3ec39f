#include "agent/tools/prompt_delivery.hpp"

#include <utility>

#include "agent/claude/stream_encode.hpp"
#include "agent/tools/derived_id.hpp"
#include "agent/tools/open_session.hpp"
#include "agent/tools/prompt_uploads.hpp"

namespace agent::tools {

namespace asio = boost::asio;
namespace {

proto::result<void> check_command(const call_context& c) {
    const auto given = c.arguments.find("uploads");
    switch (claude::command_in(c.text("text"))) {
        case claude::command::none:
            return {};
        case claude::command::compact:
            if (given == c.arguments.end() || given->empty()) return {};
            return proto::fail(proto::error_code::invalid_argument, "`uploads`: /compact takes no files.",
                               "Send them with another prompt.");
        case claude::command::clear:
            break;
    }
    return proto::fail(proto::error_code::invalid_argument,
                       "`text`: /clear (also /reset, /new) would begin another conversation, and a session is one.",
                       "Begin one with create_session, in the same directory; /compact makes room in this one.");
}

// What the policy and the arguments say of a prompt, before anything is sent.
asio::awaitable<proto::result<void>> prepare(const services& s, const call_context& c) {
    if (auto prompt = s.rules->check_prompt(c.text("text")); !prompt)
        co_return std::unexpected(std::move(prompt.error()));
    if (auto command = check_command(c); !command) co_return std::unexpected(std::move(command.error()));
    auto known = co_await open_session(s, c);
    if (!known) co_return std::unexpected(std::move(known.error()));
    if (known->session.status != "live") co_return proto::result<void>();
    auto mode = s.rules->check_permission_mode(known->session.permission_mode);
    if (mode) co_return proto::result<void>();
    mode.error().hint = "Dispose of the session: the next prompt then resumes it in a mode that is open.";
    co_return std::unexpected(std::move(mode.error()));
}

}  // namespace

asio::awaitable<proto::result<session::sent>> deliver_prompt(const services& s, const call_context& c,
                                                             same_text repeated) {
    auto prepared = co_await prepare(s, c);
    if (!prepared) co_return std::unexpected(std::move(prepared.error()));
    session::prompt_request request;
    request.session_id = c.text("session_id");
    request.text = c.text("text");
    request.prompt_uuid = id_from_key(c.who, "prompt/" + request.session_id, c.text("idempotency_key"));
    request.attach = repeated == same_text::is_that_prompt && request.prompt_uuid.empty();
    request.depth = c.depth;
    auto attached = co_await attach_uploads(s, c, request);
    if (!attached) co_return std::unexpected(std::move(attached.error()));
    co_return co_await s.sessions->send_prompt(std::move(request), c.who);
}

}  // namespace agent::tools
