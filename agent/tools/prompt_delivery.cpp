#include "agent/tools/prompt_delivery.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/tools/derived_id.hpp"
#include "agent/tools/history_session.hpp"
#include "agent/tools/session_match.hpp"

namespace agent::tools {

namespace asio = boost::asio;
using nlohmann::json;
using proto::error_code;

namespace {

// The same of the options that the session was made with; a link may lie in the place of one of their paths now.
proto::result<void> check_stored_options(const services& s, const session::start_options& stored) {
    const auto options = json::parse(stored.values, nullptr, false);
    auto open = s.rules->check_session_options(options, stored.from_afar);
    if (open && *open == options) return {};
    if (open)
        return proto::fail(error_code::policy_denied, "A path among the session's options leads elsewhere now.",
                           "Create a new session.");
    open.error().hint += " A session that has it by now can only be made anew.";
    return std::unexpected(std::move(open.error()));
}

// What the policy and the arguments say of a prompt, before anything is sent. A session that claude left on the disk
// becomes one of ours.
asio::awaitable<proto::result<void>> prepare(const services& s, const call_context& c) {
    if (auto prompt = s.rules->check_prompt(c.text("text")); !prompt)
        co_return std::unexpected(std::move(prompt.error()));
    const auto id = c.text("session_id");
    auto known = co_await s.sessions->get(id);
    if (!known && known.error().code == error_code::not_found) co_return co_await adopt(s, c, id);
    if (!known) co_return std::unexpected(std::move(known.error()));
    if (auto e = check_slug(c, known->session.slug, known->session.cwd)) co_return std::unexpected(std::move(*e));
    // The policy may have become stricter since the session was made.
    auto directory = s.rules->check_directory(known->session.cwd);
    if (!directory) co_return std::unexpected(std::move(directory.error()));
    if (*directory != known->session.cwd) co_return std::unexpected(replaced(known->session.cwd));
    if (auto open = check_stored_options(s, known->options); !open) co_return open;
    if (known->session.status == "live") {
        auto mode = s.rules->check_permission_mode(known->session.permission_mode);
        if (mode) co_return proto::result<void>();
        mode.error().hint = "Dispose of the session: the next prompt then resumes it in a mode that is open.";
        co_return std::unexpected(std::move(mode.error()));
    }
    co_return co_await check_unused(s, id);
}

}  // namespace

proto::error replaced(const std::string& directory) {
    return {
        error_code::policy_denied,
        fmt::format("{} is not the directory any more that it was.", directory),
        "A symbolic link lies there now. Create a session in the directory that it leads to, if the policy opens it.",
        {}};
}

asio::awaitable<proto::result<session::sent>> deliver_prompt(const services& s, const call_context& c,
                                                             same_text repeated) {
    auto prepared = co_await prepare(s, c);
    if (!prepared) co_return std::unexpected(std::move(prepared.error()));
    session::prompt_request request;
    request.session_id = c.text("session_id");
    request.text = c.text("text");
    request.prompt_uuid = id_from_key(c.who, "prompt/" + request.session_id, c.text("idempotency_key"));
    request.attach = repeated == same_text::is_that_prompt;
    request.depth = c.depth;
    co_return co_await s.sessions->send_prompt(std::move(request), c.who);
}

}  // namespace agent::tools
