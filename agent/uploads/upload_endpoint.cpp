#include "agent/uploads/upload_endpoint.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/api/api_error.hpp"
#include "common/api/upload_request.hpp"
#include "common/crypto/random.hpp"

namespace agent::uploads {

namespace {

// The body of a request.
class request_body final : public byte_source {
public:
    explicit request_body(common::net::http_exchange& exchange) : exchange_(exchange) {}

    boost::asio::awaitable<proto::result<std::string>> next() override {
        auto piece = co_await exchange_.read_body();
        if (piece) co_return std::move(*piece);
        refusal = std::move(piece.error());
        co_return proto::fail(proto::error_code::cancelled, "The upload broke off.");
    }

    std::optional<common::net::http_response> refusal;  // status 0: nobody is there to be told

private:
    common::net::http_exchange& exchange_;
};

}  // namespace

boost::asio::awaitable<void> upload_endpoint::handle(common::net::http_exchange& exchange,
                                                     const proto::principal& who) {
    const std::string request_id = "req_" + common::crypto::random_token(20);
    auto asked = common::api::read_upload_request(exchange.request(), request_id);
    if (asked && !asked->machine.empty() && !is_own_(asked->machine))
        asked =
            std::unexpected(common::api::error_answer({proto::error_code::not_found,
                                                       fmt::format("This endpoint has no machine {}.", asked->machine),
                                                       "Leave `machine` out, or use the hub's URL.",
                                                       {}},
                                                      request_id));
    if (!asked) {
        co_await exchange.respond(std::move(asked.error()));
        co_return;
    }
    request_body body(exchange);
    incoming what{who.key(), asked->name, asked->bytes};
    auto made = co_await files_.receive(std::move(what), body);
    if (body.refusal && body.refusal->status == 0) co_return;
    if (body.refusal) {
        co_await exchange.respond(std::move(*body.refusal));
    } else if (made) {
        co_await exchange.respond(common::api::json_answer(201, to_json(*made), request_id));
    } else {
        co_await exchange.respond(common::api::error_answer(made.error(), request_id));
    }
}

}  // namespace agent::uploads
