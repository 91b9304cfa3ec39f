#include "common/mcp/engine.hpp"

#include <expected>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/this_coro.hpp>

#include "common/mcp/envelope.hpp"
#include "common/mcp/era.hpp"
#include "common/mcp/legacy_dispatcher.hpp"
#include "common/mcp/legacy_streams.hpp"
#include "common/mcp/media_types.hpp"
#include "common/mcp/modern_dispatcher.hpp"
#include "common/mcp/request_context.hpp"
#include "common/mcp/shared_state.hpp"

namespace common::mcp {
namespace {

constexpr std::string_view allowed_methods = "GET, POST, DELETE";
constexpr std::string_view allowed_modern_methods = "POST";
constexpr std::string_view version_field = "MCP-Protocol-Version";

// What can be refused without reading the body. The statuses are those of basic/transports, in its order.
std::optional<rejection> check_request(const net::http_request& request, accepted_types accepted,
                                       std::size_t body_bytes_max) {
    if (!accepted.json && !accepted.events) {
        return rejection::of(406, rpc_code::invalid_request,
                             "Not acceptable: Accept must allow application/json, text/event-stream or both.");
    }
    if (!has_json_content(request.fields)) {
        return rejection::of(
            415, rpc_code::invalid_request,
            "Unsupported media type: send the field Content-Type: application/json and no Content-Encoding.");
    }
    if (request.body.size() > body_bytes_max) {
        return rejection::of(413, rpc_code::invalid_request,
                             fmt::format("The request body is larger than {} bytes.", body_bytes_max));
    }
    if (request.fields.count(version_field) > 1) {
        return rejection::of(400, rpc_code::invalid_request, "The field MCP-Protocol-Version may occur once only.");
    }
    return std::nullopt;
}

}  // namespace

class engine::state {
public:
    state(backend& tools, engine_options options)
        : tools_(tools), options_(std::move(options)), offered_(tools.offered()), shared_(options_) {
        tools_.tell_changes_to(&shared_.changes);
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() { tools_.tell_changes_to(nullptr); }

    boost::asio::awaitable<void> handle(net::http_exchange& exchange, const proto::principal& who, int depth) {
        const auto executor = co_await boost::asio::this_coro::executor;
        request_context context{
            options_, tools_, offered_, shared_, exchange, who, depth, executor, make_request_id(options_)};
        const std::string& method = exchange.request().method;
        const std::optional<std::string_view> version = exchange.request().fields.find(version_field);
        const std::optional<era> named = version ? era_of_version(*version) : std::nullopt;
        const bool is_other = method != "GET" && method != "DELETE";
        if (method == "POST") {
            co_await post(context, version);
        } else if (is_other || named == era::modern) {
            rejection refused = rejection::of(405, rpc_code::invalid_request, "Method not allowed: use POST.");
            co_await refuse(context, std::move(refused), is_other ? allowed_methods : allowed_modern_methods);
        } else if (version && !named) {
            co_await refuse(context, rejection::of(400, rpc_code::invalid_request,
                                                   "MCP-Protocol-Version names a version that is not served here."));
        } else if (method == "DELETE") {
            co_await end_session(context);
        } else {
            co_await get_stream(context, read_accept(exchange.request().fields));
        }
    }

    shared_state& shared() { return shared_; }

private:
    boost::asio::awaitable<void> post(request_context& context, std::optional<std::string_view> version) {
        const net::http_request& request = context.exchange.request();
        const accepted_types accepted = read_accept(request.fields);
        std::optional<rejection> refused = check_request(request, accepted, options_.body_bytes_max);
        if (refused) {
            co_await refuse(context, *std::move(refused));
            co_return;
        }
        std::expected<posted_body, rejection> body = parse_body(request.body, options_.batch_messages_max);
        if (!body) {
            co_await refuse(context, std::move(body.error()));
            co_return;
        }
        std::expected<era, rejection> found = classify(*body, version);
        if (!found) {
            co_await refuse(context, std::move(found.error()));
        } else if (*found == era::modern) {
            co_await post_modern(context, body->messages.front(), accepted);
        } else {
            co_await post_legacy(context, *body, accepted, version);
        }
    }

    backend& tools_;
    const engine_options options_;
    const offered_features offered_;
    shared_state shared_;
};

engine::engine(backend& tools, engine_options options) : state_(std::make_unique<state>(tools, std::move(options))) {}

engine::~engine() = default;

boost::asio::awaitable<void> engine::handle(net::http_exchange& exchange, const proto::principal& who, int depth) {
    return state_->handle(exchange, who, depth);
}

bool engine::take_answer(std::string_view question, std::string_view result) {
    return state_->shared().questions.answer_here(std::string(question), result);
}

void engine::end_streams(const std::function<bool(const proto::principal&)>& of_whom) {
    state_->shared().changes.end_of(of_whom);
}

void engine::shut_out(const std::function<bool(const proto::principal&)>& of_whom) {
    end_streams(of_whom);
    state_->shared().calls.cancel_of(of_whom);
}

}  // namespace common::mcp
