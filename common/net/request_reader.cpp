#include "common/net/request_reader.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include "common/net/http_format.hpp"

namespace common::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

// A string that takes memory as bytes come, not by what Content-Length claims, and may be emptied meanwhile.
struct arriving_body {
    using value_type = std::string;

    class reader {
    public:
        template <bool is_request, class Fields>
        reader(http::header<is_request, Fields>&, value_type& body) : body_(body) {}
        void init(const boost::optional<std::uint64_t>&, beast::error_code& ec) { ec = {}; }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, beast::error_code& ec) {
            ec = {};
            const auto before = body_.size();
            for (const asio::const_buffer piece : beast::buffers_range_ref(buffers))
                body_.append(static_cast<const char*>(piece.data()), piece.size());
            return body_.size() - before;
        }
        void finish(beast::error_code& ec) { ec = {}; }

    private:
        value_type& body_;
    };
};

using parser_type = http::request_parser<arriving_body>;
constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

request_refusal bad_request(std::string message) {
    return {.status = 400, .code = "bad_request", .message = std::move(message)};
}

// What a request must keep to beyond the parser's grammar.
std::optional<request_refusal> find_fault(const http::request<arriving_body>& head, const http_limits& limits) {
    if (static_cast<std::size_t>(std::distance(head.begin(), head.end())) > limits.fields_max) {
        return request_refusal{431, "too_many_fields",
                               fmt::format("A request may have at most {} header fields.", limits.fields_max)};
    }
    if (head.version() != 11 && head.version() != 10) {
        return request_refusal{505, "version_not_supported", "This server speaks HTTP/1.1."};
    }
    if (head.target().size() > limits.target_bytes_max) {
        return request_refusal{414, "target_too_long",
                               fmt::format("A request target may have at most {} bytes.", limits.target_bytes_max)};
    }
    const auto hosts = head.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && head.version() == 11))
        return bad_request("A request needs exactly one Host field.");

    const auto lengths = head.count(http::field::content_length);
    const auto encodings = head.count(http::field::transfer_encoding);
    if (lengths + encodings > 1) {
        return bad_request("The length of the body is given more than once (Content-Length, Transfer-Encoding).");
    }
    if (encodings == 1 && (head.version() == 10 || !beast::iequals(head[http::field::transfer_encoding], "chunked"))) {
        return bad_request("The only Transfer-Encoding understood is \"chunked\", with HTTP/1.1.");
    }
    const std::string_view length = head[http::field::content_length];
    if (!std::ranges::all_of(length, [](char c) { return c >= '0' && c <= '9'; })) {
        return bad_request("Content-Length must be one number.");
    }
    const std::string_view coding = head[http::field::content_encoding];
    if (!coding.empty() && !beast::iequals(coding, "identity")) {
        return request_refusal{415, "unsupported_content_encoding", "Send the body without Content-Encoding."};
    }
    const std::string_view expect = head[http::field::expect];
    if (!expect.empty() && !beast::iequals(expect, "100-continue")) {
        return request_refusal{417, "expectation_failed", "The only Expect understood is \"100-continue\"."};
    }
    return std::nullopt;
}

// Origin form, or absolute form, which every server must take (RFC 9112 §3.2.2) and whose authority replaces Host.
bool split_target(std::string_view target, http_request& out, std::string& authority) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!beast::iequals(target.substr(0, scheme.size()), scheme)) continue;
        target.remove_prefix(scheme.size());
        const auto end = std::min(target.find_first_of("/?"), target.size());
        authority = target.substr(0, end);
        target.remove_prefix(end);
        if (authority.empty() || authority.find('@') != std::string::npos) return false;
        break;
    }
    const auto question = target.find('?');
    out.path = target.substr(0, question);
    if (question != std::string_view::npos) out.query = target.substr(question + 1);
    if (out.path.empty() && !authority.empty()) out.path = "/";
    return out.path.starts_with('/') || (out.path == "*" && out.method == "OPTIONS");
}

std::expected<http_request, request_refusal> take_head(const http::request<arriving_body>& head,
                                                       const http_limits& limits) {
    if (auto fault = find_fault(head, limits)) return std::unexpected(std::move(*fault));
    http_request request;
    request.method = head.method_string();
    std::string authority;
    if (!split_target(head.target(), request, authority)) {
        return std::unexpected(bad_request("The request target must be a path that begins with \"/\"."));
    }
    for (const auto& field : head) {
        const bool replaced = field.name() == http::field::host && !authority.empty();
        request.fields.add(std::string(field.name_string()), replaced ? authority : std::string(field.value()));
    }
    return request;
}

request_refusal refusal_for(const beast::error_code& ec, const http_limits& limits, std::size_t body_bytes_max) {
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
        return {431, "header_too_large",
                fmt::format("The header of a request may have at most {} bytes.", limits.header_bytes_max)};
    }
    if (ec == http::error::body_limit) {
        return {413, "body_too_large", fmt::format("The body of a request may have at most {} bytes.", body_bytes_max)};
    }
    const bool ended = ec == http::error::end_of_stream || ec == http::error::partial_message;
    if (!ended && ec.category() == make_error_code(http::error::bad_method).category()) {
        return bad_request(fmt::format("This is not a valid HTTP/1.1 request: {}.", ec.message()));
    }
    return {};
}

}  // namespace

struct request_reader::state {
    explicit state(const http_limits& l)
        : limits(l), buffer(std::max(l.header_bytes_max, std::size_t{64} << 10) + (std::size_t{64} << 10)) {}

    // A connection that waits, or streams an answer for hours, keeps no buffer of the last request's size.
    void release_buffer() {
        if (buffer.size() == 0) buffer.shrink_to_fit();
    }

    http_limits limits;
    beast::flat_buffer buffer;
    std::optional<parser_type> parser;
    bool in_pieces = false;  // the body is being read by read_body_piece()
};

request_reader::request_reader(const http_limits& limits) : state_(std::make_unique<state>(limits)) {}
request_reader::~request_reader() = default;

asio::awaitable<bool> request_reader::wait_for_request(stream& from) {
    auto& s = *state_;
    s.parser.reset();
    if (s.buffer.size() != 0) co_return true;
    const auto space = s.buffer.prepare(1024);
    const auto [ec, bytes] = co_await from.async_read_some(space, nothrow);
    s.buffer.commit(bytes);
    co_return !ec && bytes != 0;
}

asio::awaitable<std::expected<http_request, request_refusal>> request_reader::read_head(stream& from) {
    auto& s = *state_;
    s.parser.emplace();
    s.in_pieces = false;
    s.parser->header_limit(static_cast<std::uint32_t>(s.limits.header_bytes_max));
    s.parser->body_limit(boost::none);  // a body that is too large has a head, and its answer goes by that
    const auto [ec, bytes] = co_await http::async_read_header(from, s.buffer, *s.parser, nothrow);
    if (ec) co_return std::unexpected(refusal_for(ec, s.limits, s.limits.body_bytes_max));
    s.release_buffer();
    // Fields are taken now: trailers, which come with the body, must not pass for header fields.
    co_return take_head(s.parser->get(), s.limits);
}

asio::awaitable<std::expected<std::string, request_refusal>> request_reader::read_body(stream& from) {
    // The parser does not hold a length that it has read against a limit that is set afterwards.
    if (auto refused = refuse_body()) co_return std::unexpected(std::move(*refused));
    auto& s = *state_;
    s.parser->body_limit(s.limits.body_bytes_max);
    const auto [ec, bytes] = co_await http::async_read(from, s.buffer, *s.parser, nothrow);
    if (ec) co_return std::unexpected(refusal_for(ec, s.limits, s.limits.body_bytes_max));
    s.release_buffer();
    co_return std::move(s.parser->get().body());
}

asio::awaitable<std::expected<std::string, request_refusal>> request_reader::read_body_piece(stream& from) {
    auto& s = *state_;
    const auto most = s.limits.streamed_body_bytes_max;
    if (!std::exchange(s.in_pieces, true)) {
        const auto length = s.parser->content_length();
        if (length && *length > most)
            co_return std::unexpected(refusal_for(make_error_code(http::error::body_limit), s.limits, most));
        s.parser->body_limit(most);  // for chunks, counting down
        // Beast reads as much as there is room for, and 512 bytes into an empty buffer.
        s.buffer.reserve(std::size_t{64} << 10);
    }
    std::string piece;
    while (piece.empty() && !s.parser->is_done()) {
        const auto [ec, bytes] = co_await http::async_read_some(from, s.buffer, *s.parser, nothrow);
        if (ec) co_return std::unexpected(refusal_for(ec, s.limits, most));
        piece = std::exchange(s.parser->get().body(), {});
    }
    if (s.parser->is_done()) s.release_buffer();
    co_return piece;
}

std::optional<request_refusal> request_reader::refuse_body() const {
    const auto length = state_->parser->content_length();
    if (!length || *length <= state_->limits.body_bytes_max) return std::nullopt;
    return refusal_for(make_error_code(http::error::body_limit), state_->limits, state_->limits.body_bytes_max);
}

bool request_reader::has_body() const { return !state_->parser->is_done(); }

bool request_reader::expects_continue() const {
    const auto& head = state_->parser->get();
    return head.version() == 11 && !head[http::field::expect].empty() && has_body() && !has_more();
}

bool request_reader::keep_alive() const { return state_->parser->get().keep_alive(); }

bool request_reader::is_http_1_0() const { return state_->parser->get().version() == 10; }

bool request_reader::has_more() const { return state_->buffer.size() != 0; }

}  // namespace common::net
