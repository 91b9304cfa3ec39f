#include "common/net/http_session.hpp"

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/net/deadline.hpp"
#include "common/net/http_answer.hpp"
#include "common/net/request_reader.hpp"

namespace common::net {
namespace {

namespace asio = boost::asio;
constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

class http_session : public std::enable_shared_from_this<http_session> {
public:
    http_session(stream connection, asio::ip::tcp::endpoint peer, std::shared_ptr<const http_service> service,
                 connection_registry::ticket ticket)
        : connection_(std::move(connection)),
          peer_(std::move(peer)),
          service_(std::move(service)),
          ticket_(std::move(ticket)),
          reader_(service_->limits),
          deadline_(connection_.get_executor(), [this] { expire(); }) {}

    asio::awaitable<void> run(ssl_context_ptr tls);

private:
    enum class phase { handshake, idle, head, body, answering, closing };

    asio::awaitable<bool> handshake(ssl_context_ptr tls);
    // False: the connection is not to be used again.
    asio::awaitable<bool> serve_one();
    asio::awaitable<bool> receive_body(http_request& request);
    asio::awaitable<std::expected<std::string, http_response>> read_body_piece();
    asio::awaitable<void> answer(http_request request, bool has_body_left);
    asio::awaitable<void> refuse(request_refusal refusal);
    asio::awaitable<void> close();
    void enter(phase next, std::chrono::milliseconds wait);
    void expire();
    void drain();
    void cut();

    stream connection_;
    asio::ip::tcp::endpoint peer_;
    std::shared_ptr<const http_service> service_;
    connection_registry::ticket ticket_;
    request_reader reader_;
    deadline deadline_;
    phase phase_ = phase::handshake;
    bool first_request_ = true;
    bool draining_ = false;
    bool continued_ = false;     // the client of the last exchange was told to send its body
    http_fields answer_fields_;  // for the request that is being read
    std::shared_ptr<http_answer> answer_;
};

void http_session::enter(phase next, std::chrono::milliseconds wait) {
    phase_ = next;
    deadline_.arm(wait);
}

void http_session::expire() {
    if (phase_ == phase::head || phase_ == phase::body) {
        // Said before the connection is cut, since a stream is not used again after its deadline.
        auto response = error_response(408, "request_timeout", "The request did not arrive in time.");
        response.fields.add_all(answer_fields_);
        const auto head = format_response_head({.status = response.status,
                                                .fields = &response.fields,
                                                .content_length = response.body.size(),
                                                .keep_alive = false,
                                                .now = std::chrono::system_clock::now()});
        connection_.write_now(head + response.body);
        connection_.cut();
    } else if (phase_ == phase::answering) {
        connection_.reset();  // the peer takes nothing: what it got is not a whole answer
        if (answer_) answer_->peer_gone();
    } else {
        connection_.cut();
    }
}

void http_session::drain() {
    draining_ = true;
    if (answer_) answer_->forbid_keep_alive();
    if (phase_ == phase::handshake || phase_ == phase::idle) connection_.cut();
}

void http_session::cut() {
    connection_.cut();
    if (answer_) answer_->peer_gone();
}

asio::awaitable<void> http_session::run(ssl_context_ptr tls) {
    const auto self = shared_from_this();
    const std::weak_ptr<http_session> weak = self;
    ticket_.on_shutdown(
        [weak] {
            if (const auto s = weak.lock()) s->drain();
        },
        [weak] {
            if (const auto s = weak.lock()) s->cut();
        });
    bool usable = co_await handshake(std::move(tls));
    while (usable) usable = co_await serve_one();
}

asio::awaitable<bool> http_session::handshake(ssl_context_ptr tls) {
    if (!tls) co_return true;
    enter(phase::handshake, service_->limits.header_timeout);
    connection_.accept_tls(tls);
    const auto [ec] = co_await connection_.async_handshake(nothrow);
    if (ec) connection_.cut();
    co_return !ec;
}

asio::awaitable<bool> http_session::serve_one() {
    const auto& limits = service_->limits;
    // A connection that is new has less time: it is expected to say why it came.
    enter(phase::idle, first_request_ ? limits.header_timeout : limits.idle_timeout);
    first_request_ = false;
    const bool arriving = co_await reader_.wait_for_request(connection_);
    if (!arriving) co_return false;

    answer_fields_ = {};
    enter(phase::head, limits.header_timeout);
    auto request = co_await reader_.read_head(connection_);
    if (!request) {
        co_await refuse(std::move(request.error()));
        co_return false;
    }
    request->peer_address = peer_.address().to_string();
    request->peer_port = peer_.port();
    request->peer_is_loopback = peer_.address().is_loopback();
    request->tls = connection_.is_tls();
    if (service_->answer_fields) answer_fields_ = service_->answer_fields(*request);
    const bool leaves_body = service_->leaves_body && service_->leaves_body(*request);
    const bool whole = leaves_body || co_await receive_body(*request);
    if (!whole) co_return false;
    co_await answer(std::move(*request), leaves_body && reader_.has_body());
    const auto ended_as = answer_->current();
    const bool again = answer_->keep_alive() && !draining_;
    const bool announced = answer_->announced_close();
    answer_.reset();
    if (ended_as == http_answer::state::finished && !again) {
        if (announced) {
            co_await close();
        } else {
            connection_.cut();  // the listener stopped meanwhile: as if the connection had been idle
        }
    }
    co_return again;
}

asio::awaitable<bool> http_session::receive_body(http_request& request) {
    if (!reader_.has_body()) co_return true;
    if (auto refused = reader_.refuse_body()) {
        co_await refuse(std::move(*refused));
        co_return false;
    }
    enter(phase::body, service_->limits.body_timeout);
    if (reader_.expects_continue()) {
        connection_.write_now("HTTP/1.1 100 Continue\r\n\r\n");
    }
    auto body = co_await reader_.read_body(connection_);
    if (!body) {
        co_await refuse(std::move(body.error()));
        co_return false;
    }
    request.body = std::move(*body);
    co_return true;
}

// For a handler that takes the body itself.
asio::awaitable<std::expected<std::string, http_response>> http_session::read_body_piece() {
    const auto self = shared_from_this();
    enter(phase::body, service_->limits.body_timeout);
    if (reader_.expects_continue() && !std::exchange(continued_, true)) {
        connection_.write_now("HTTP/1.1 100 Continue\r\n\r\n");
    }
    auto piece = co_await reader_.read_body_piece(connection_);
    phase_ = phase::answering;
    deadline_.disarm();
    if (piece) co_return std::move(*piece);
    const auto& refused = piece.error();
    if (refused.status != 0) co_return std::unexpected(error_response(refused.status, refused.code, refused.message));
    if (answer_ && !answer_->reading_stopped()) answer_->peer_gone();
    co_return std::unexpected(http_response{0, {}, {}});
}

asio::awaitable<void> http_session::answer(http_request request, bool has_body_left) {
    phase_ = phase::answering;
    deadline_.disarm();
    answer_traits traits{.http_1_0 = reader_.is_http_1_0(),
                         .keep_alive = reader_.keep_alive() && !draining_ && !has_body_left,
                         .unread_input = has_body_left || reader_.has_more(),
                         .fields = std::move(answer_fields_)};
    if (has_body_left) traits.read_body = [this] { return read_body_piece(); };
    const http_answer::session_parts parts{connection_, ticket_, deadline_, service_->limits};
    answer_ = std::make_shared<http_answer>(parts, std::move(request), std::move(traits));
    std::string failure;
    try {
        co_await service_->handler(*answer_);
        // A handler whose peer has left may just return.
        if (!answer_->is_peer_gone()) {
            if (answer_->current() == http_answer::state::open) failure = "it returned without an answer";
            if (answer_->current() == http_answer::state::started) failure = "it returned without finishing its answer";
        }
    } catch (const std::exception& e) {
        failure = e.what();
    } catch (...) {
        failure = "an exception of unknown type";
    }
    if (!failure.empty()) {
        if (service_->log) {
            service_->log(fmt::format("A request handler failed ({} request): {}", answer_->request().method, failure));
        }
        if (answer_->current() == http_answer::state::open) {
            auto response = error_response(500, "internal", "The server failed to handle this request.");
            const bool sent = co_await answer_->respond(std::move(response));
            std::ignore = sent;  // nobody left to tell
        } else if (answer_->current() == http_answer::state::started) {
            answer_->abort();
        }
    }
    answer_->retire();
}

asio::awaitable<void> http_session::refuse(request_refusal refusal) {
    if (refusal.status == 0) {
        connection_.cut();
        co_return;
    }
    phase_ = phase::answering;
    deadline_.disarm();
    const http_answer::session_parts parts{connection_, ticket_, deadline_, service_->limits};
    answer_ = std::make_shared<http_answer>(parts, http_request{},
                                            answer_traits{.keep_alive = false, .fields = std::move(answer_fields_)});
    auto response = error_response(refusal.status, refusal.code, refusal.message);
    const bool sent = co_await answer_->respond(std::move(response));
    answer_->retire();
    answer_.reset();
    if (sent) co_await close();
}

asio::awaitable<void> http_session::close() {
    enter(phase::closing, service_->limits.linger_timeout);
    const auto [ec] = co_await connection_.async_finish(nothrow);
    std::ignore = ec;  // closed in any case
    deadline_.disarm();
}

}  // namespace

asio::awaitable<void> serve_http(stream connection, asio::ip::tcp::endpoint peer, ssl_context_ptr tls,
                                 std::shared_ptr<const http_service> service, connection_registry::ticket ticket) {
    const auto session =
        std::make_shared<http_session>(std::move(connection), std::move(peer), std::move(service), std::move(ticket));
    co_await session->run(std::move(tls));
}

}  // namespace common::net
