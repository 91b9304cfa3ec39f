#include "common/net/http_client.hpp"

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "common/net/connector.hpp"
#include "common/net/deadline.hpp"
#include "common/net/fetch_guard.hpp"
#include "common/net/http_format.hpp"

namespace common::net {
namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t header_bytes_max = 64 << 10;
constexpr int interim_answers_max = 8;

using parser_type = http::response_parser<http::string_body>;

struct answer_limits {
    std::size_t body_bytes_max;
    bool without_body;  // to HEAD
};

asio::awaitable<boost::system::error_code> converse(stream& connection, std::string head, std::string_view body,
                                                    answer_limits limits, std::optional<parser_type>& parser) {
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head), asio::buffer(body)};
    // A server may refuse before it has read everything: its answer counts more than our failed write.
    const auto [unsent, sent] = co_await asio::async_write(connection, parts, nothrow);
    boost::beast::flat_buffer buffer;
    for (int i = 0; i < interim_answers_max; ++i) {
        parser.emplace();
        parser->header_limit(header_bytes_max);
        parser->body_limit(limits.body_bytes_max);
        parser->skip(limits.without_body);
        const auto [ec, bytes] = co_await http::async_read(connection, buffer, *parser, nothrow);
        if (ec) co_return unsent ? unsent : ec;
        // RFC 9110 §15.2: any number of 1xx may come before the answer.
        if (parser->get().result_int() >= 200) co_return ec;
    }
    co_return http::error::bad_status;
}

http_response take(parser_type& parser) {
    auto& message = parser.get();
    http_response response{.status = static_cast<int>(message.result_int()), .fields = {}, .body = {}};
    for (const auto& field : message) {
        response.fields.add(std::string(field.name_string()), std::string(field.value()));
    }
    response.body = std::move(message.body());
    return response;
}

bool is_encoded(const http_response& response) {
    const auto encoding = response.fields.find("Content-Encoding");
    return encoding && *encoding != "identity";
}

std::unexpected<connect_error> fail(connect_failure kind, std::string message) {
    return std::unexpected(connect_error{.kind = kind, .message = std::move(message), .status = 0});
}

}  // namespace

asio::awaitable<std::expected<http_response, connect_error>> fetch(http_client_request request) {
    auto target = request.guard ? parse_guarded_target(request.url, *request.guard) : parse_target(request.url, "http");
    if (!target) co_return std::unexpected(std::move(target.error()));
    if (!is_token(request.method)) co_return fail(connect_failure::invalid_url, "This is not an HTTP method.");
    const auto deadline = std::chrono::steady_clock::now() + request.timeout;
    connect_options how{.ca_file = request.guard ? request.guard->ca_file : request.ca_file,
                        .proxy = request.http_proxy,
                        .deadline = deadline,
                        .guard = request.guard};
    auto connection = co_await open_connection(*target, std::move(how));
    if (!connection) co_return std::unexpected(std::move(connection.error()));

    const bool carries_body = !request.body.empty() || (request.method != "GET" && request.method != "HEAD");
    std::string head =
        format_request_head({.method = request.method,
                             .target = target->path_query,
                             .host = target->host_field,
                             .fields = &request.fields,
                             .content_length = carries_body ? std::optional(request.body.size()) : std::nullopt});

    std::optional<parser_type> parser;
    const answer_limits limits{.body_bytes_max = request.body_bytes_max, .without_body = request.method == "HEAD"};
    bool expired = false;
    net::deadline limit(connection->get_executor(), [&] {
        expired = true;
        connection->cut();
    });
    limit.arm(time_left(deadline));
    const auto ec = co_await converse(*connection, std::move(head), request.body, limits, parser);
    limit.disarm();
    connection->cut();
    if (expired)
        co_return fail(connect_failure::timeout, fmt::format("{} did not answer in time.", target->host_field));
    if (ec == http::error::body_limit || ec == http::error::header_limit) {
        co_return fail(connect_failure::too_large, fmt::format("The answer of {} is too large.", target->host_field));
    }
    if (ec) {
        co_return fail(connect_failure::protocol,
                       fmt::format("{} did not give a whole HTTP answer: {}.", target->host_field, ec.message()));
    }
    auto response = take(*parser);
    if (request.guard && is_encoded(response)) {
        co_return fail(connect_failure::protocol,
                       fmt::format("{} sent a compressed answer, which nobody asked for.", target->host_field));
    }
    co_return response;
}

}  // namespace common::net
