#include "agent/tools/open_session.hpp"

#include <utility>

#include <fmt/format.h>

#include "agent/tools/history_session.hpp"
#include "agent/tools/session_match.hpp"

namespace agent::tools {

using nlohmann::json;
using proto::error_code;

namespace {

// The policy may have become stricter since the session was made, and a link may lie in the place of a path.
proto::result<void> check_stored_options(const services& s, const session::start_options& stored) {
    const auto options = json::parse(stored.values, nullptr, false);
    auto open = s.rules->check_session_options(options, stored.from_afar);
    if (open && *open == options) return {};
    if (open)
        return proto::fail(error_code::policy_denied, "A path among the session's options leads elsewhere now.",
                           "Create a new session.");
    open.error().hint += " A session that has it already can only be made anew.";
    return std::unexpected(std::move(open.error()));
}

}  // namespace

proto::error replaced(const std::string& directory) {
    return {
        error_code::policy_denied,
        fmt::format("{} is not the directory any more that it was.", directory),
        "A symbolic link lies there now. Create a session in the directory that it leads to, if the policy opens it.",
        {}};
}

boost::asio::awaitable<proto::result<session::details>> open_session(const services& s, const call_context& c) {
    const auto id = c.text("session_id");
    auto known = co_await s.sessions->get(id);
    if (!known && known.error().code == error_code::not_found) {
        auto adopted = co_await adopt(s, c, id);
        if (!adopted) co_return std::unexpected(std::move(adopted.error()));
        co_return co_await s.sessions->get(id);
    }
    if (!known) co_return known;
    if (auto e = check_slug(c, known->session.slug, known->session.cwd)) co_return std::unexpected(std::move(*e));
    auto directory = s.rules->check_directory(known->session.cwd);
    if (!directory) co_return std::unexpected(std::move(directory.error()));
    if (*directory != known->session.cwd) co_return std::unexpected(replaced(known->session.cwd));
    if (auto open = check_stored_options(s, known->options); !open) co_return std::unexpected(std::move(open.error()));
    if (known->session.status != "live") {
        auto unused = co_await check_unused(s, id);
        if (!unused) co_return std::unexpected(std::move(unused.error()));
    }
    co_return known;
}

}  // namespace agent::tools
