#include "agent/direct/direct_front.hpp"

#include <utility>

#include "common/api/api_error.hpp"
#include "common/api/upload_request.hpp"
#include "common/auth/challenge.hpp"
#include "common/auth/resource.hpp"
#include "common/crypto/random.hpp"
#include "common/mcp/cors.hpp"

namespace agent::direct {

using common::auth::problem;
using common::net::http_exchange;

namespace {

constexpr std::string_view own_path = common::auth::mcp_paths.front();

boost::asio::awaitable<void> not_served(http_exchange& exchange, const proto::principal&) {
    co_await exchange.respond(
        problem(404, "not_found", "This agent does not serve that path. MCP clients connect to /mcp."));
}

}  // namespace

direct_front::direct_front(common::auth::resource_server server, std::string public_url, common::mcp::engine& engine,
                           common::auth::api_handler upload)
    : server_(std::move(server)),
      public_url_(std::move(public_url)),
      engine_(engine),
      upload_(std::move(upload)),
      call_mcp_(
          [this](http_exchange& exchange, const proto::principal& who) { return engine_.handle(exchange, who, 0); }),
      check_upload_(
          [this](http_exchange& exchange, const proto::principal& who) { return take_upload(exchange, who); }) {}

bool direct_front::is_metadata(std::string_view path) const {
    if (!server_.has_metadata(path)) return false;
    return common::auth::mcp_path_of(*common::auth::resource_of_metadata_path(path)) == own_path;
}

common::net::http_fields direct_front::answer_fields(const common::net::http_request& request) const {
    return server_.answer_fields(request, is_metadata(request.path));
}

boost::asio::awaitable<void> direct_front::handle(http_exchange& exchange) {
    const auto& request = exchange.request();
    const std::string_view path = request.path;
    if (auto no = server_.refusal(request, is_metadata(path))) {
        co_await exchange.respond(std::move(*no));
    } else if (common::mcp::is_preflight(request)) {
        co_await exchange.respond(common::mcp::preflight_answer(request));
    } else if (is_metadata(path)) {
        co_await server_.serve_metadata(exchange);
    } else if (common::auth::mcp_path_of(path) == own_path || path == common::auth::key_path) {
        co_await server_.authenticate(exchange, call_mcp_);
    } else if (common::api::is_upload(request)) {
        co_await server_.authenticate(exchange, check_upload_);
    } else if (common::auth::mcp_path_of(path)) {
        co_await server_.authenticate(exchange, not_served);
    } else {
        co_await exchange.respond(
            problem(404, "not_found", "There is nothing at this path. MCP clients connect to /mcp."));
    }
}

boost::asio::awaitable<void> direct_front::take_upload(http_exchange& exchange, const proto::principal& who) {
    if (who.has_scope("sessions:write")) {
        co_await upload_(exchange, who);
        co_return;
    }
    const proto::error refusal{proto::error_code::permission_denied,
                               "This needs the scope sessions:write, which the credential does not have.",
                               "Use a credential with that scope.", R"({"scope":"sessions:write"})"};
    auto answer = common::api::error_answer(refusal, "req_" + common::crypto::random_token(20));
    if (auto challenge = common::auth::scope_challenge(public_url_, who, refusal))
        answer.fields.add("WWW-Authenticate", std::move(*challenge));
    co_await exchange.respond(std::move(answer));
}

}  // namespace agent::direct
