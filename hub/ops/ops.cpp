#include "hub/ops/ops.hpp"

namespace hub::ops {

namespace {

common::net::http_response answer(int status, const nlohmann::json& body) {
    common::net::http_response response{status, {}, body.dump()};
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "no-store");
    return response;
}

}  // namespace

ops::ops(tenancy::store& store, common::async::blocking_pool& pool, const links::registry& links)
    : store_(store), pool_(pool), links_(links) {}

boost::asio::awaitable<void> ops::handle(common::net::http_exchange& exchange) {
    const auto& request = exchange.request();
    if (request.method != "GET" && request.method != "HEAD") {
        auto response = answer(405, {{"error", "method_not_allowed"}});
        response.fields.add("Allow", "GET, HEAD");
        co_await exchange.respond(std::move(response));
    } else if (request.path == "/healthz") {
        co_await exchange.respond(answer(200, {{"ok", true}, {"version", CODEZ_VERSION}}));
    } else if (request.path == "/readyz") {
        auto listed = co_await pool_.run([this] { return store_.list_workspaces(); });
        const bool database = listed && *listed;
        co_await exchange.respond(
            answer(database ? 200 : 503,
                   {{"ok", database}, {"database", database ? "ok" : "unavailable"}, {"links", links_.size()}}));
    } else {
        co_await exchange.respond(answer(404, {{"error", "not_found"}, {"message", "Ask /healthz or /readyz."}}));
    }
}

}  // namespace hub::ops
