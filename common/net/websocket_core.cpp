#include "common/net/websocket_core.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/websocket.hpp>

namespace common::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ws = boost::beast::websocket;
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds close_timeout{5};
// Bytes that a message may cost beyond its content. Beast joins fragments out of our sight, and one without content
// costs 6 bytes: this bounds them to some ten thousand a message.
constexpr std::uint64_t framing_bytes_max = std::uint64_t{64} << 10;
// Pings and pongs: a burst, and how many a second.
constexpr double control_burst = 32;
constexpr double control_per_second = 4;
constexpr std::size_t control_frame_bytes_max = 125 + 14;
constexpr std::size_t reason_bytes_max = 123;  // RFC 6455 §5.5.1

// Without cutting a character in two.
std::string shorten(std::string text) {
    if (text.size() <= reason_bytes_max) return text;
    auto end = reason_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    return text;
}

class channel final : public websocket_channel {
public:
    explicit channel(std::shared_ptr<websocket_core> core) : core_(std::move(core)) {}
    ~channel() override { core_->abandon(); }

    asio::awaitable<std::expected<std::string, websocket_closed>> read() override { return core_->read(); }
    void send(std::string message) override { core_->send(std::move(message)); }
    std::size_t queued_bytes() const override { return core_->queued_bytes(); }
    asio::awaitable<void> drained_below(std::size_t bytes) override { return core_->drained_below(bytes); }
    void close(std::uint16_t code, std::string reason) override { core_->close(code, std::move(reason)); }
    asio::any_io_executor executor() const override { return core_->executor(); }
    std::string tls_exporter(std::string_view label) const override { return core_->tls_exporter(label); }

private:
    std::shared_ptr<websocket_core> core_;
};

}  // namespace

std::unique_ptr<websocket_channel> make_websocket_channel(std::shared_ptr<websocket_core> core) {
    return std::make_unique<channel>(std::move(core));
}

websocket_core::websocket_core(stream connection, std::size_t message_bytes_max, connection_registry::ticket ticket)
    : websocket_(std::move(connection)),
      message_bytes_max_(message_bytes_max),
      ticket_(std::move(ticket)),
      control_credit_(control_burst),
      control_credit_at_(std::chrono::steady_clock::now()),
      drained_(websocket_.get_executor()),
      close_limit_(websocket_.get_executor(), [this] { end(*closing_); }) {
    websocket_.read_message_max(message_bytes_max);
    websocket_.auto_fragment(false);
    websocket_.binary(true);
    // A client masks what it sends in this buffer, piece by piece.
    websocket_.write_buffer_bytes(std::size_t{16} << 10);
}

void websocket_core::begin() {
    const auto weak = weak_from_this();
    ticket_.on_shutdown({}, [weak] {
        if (const auto self = weak.lock()) self->end({1001, "shutting down"});
    });
    websocket_.control_callback([this](ws::frame_type, beast::string_view payload) { on_control_frame(payload); });
}

asio::awaitable<std::expected<std::string, websocket_closed>> websocket_core::read() {
    const auto self = shared_from_this();
    if (closed_) co_return std::unexpected(*closed_);
    std::string message;
    auto buffer = asio::dynamic_buffer(message);
    lower().set_read_allowance(message_bytes_max_ + framing_bytes_max);
    const auto [ec, bytes] = co_await websocket_.async_read(buffer, nothrow);
    if (!ec && websocket_.got_binary()) co_return message;
    if (ec) {
        end(explain(ec));
    } else {
        close(ws::close_code::unknown_data, "only binary messages are understood");
        closed_ = closing_;
    }
    co_return std::unexpected(*closed_);
}

websocket_closed websocket_core::explain(const boost::system::error_code& ec) const {
    if (closing_) return *closing_;
    if (flooded_ || ec == asio::error::no_buffer_space) return {1008, "too many fragments or control frames"};
    if (ec == ws::error::closed) {
        const auto& reason = websocket_.reason();
        const std::uint16_t code = reason.code == ws::close_code::none ? 1005 : std::uint16_t{reason.code};
        return {code, std::string(reason.reason.data(), reason.reason.size())};
    }
    if (ec == ws::error::message_too_big || ec == ws::error::buffer_overflow) return {1009, "message too big"};
    if (ec.category() == make_error_code(ws::error::bad_opcode).category()) return {1002, ec.message()};
    return {1006, ec.message()};
}

void websocket_core::on_control_frame(beast::string_view payload) {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> passed = now - std::exchange(control_credit_at_, now);
    control_credit_ = std::min(control_burst, control_credit_ + passed.count() * control_per_second) - 1;
    if (control_credit_ < 0) {
        flooded_ = true;
        lower().cut();
    }
    // They are counted on their own; else a link that idles for a day on pings would run out of allowance.
    lower().add_read_allowance(std::min(payload.size() + 14, control_frame_bytes_max));
}

void websocket_core::send(std::string message) {
    if (closed_ || closing_) return;
    queued_bytes_ += message.size();
    queue_.push_back(std::move(message));
    if (!writing_) write_next();
}

void websocket_core::write_next() {
    writing_ = true;
    websocket_.async_write(asio::buffer(queue_.front()),
                           [self = shared_from_this()](const boost::system::error_code& ec, std::size_t) {
                               self->writing_ = false;
                               self->queued_bytes_ -= self->queue_.front().size();
                               self->queue_.pop_front();
                               if (ec) self->end(self->explain(ec));
                               if (self->closed_) {
                                   self->queue_.clear();
                                   self->queued_bytes_ = 0;
                               }
                               self->drained_.notify_all();
                               if (!self->queue_.empty()) {
                                   self->write_next();
                               } else if (self->closing_) {
                                   self->start_close();
                               }
                           });
}

asio::awaitable<void> websocket_core::drained_below(std::size_t bytes) {
    const auto self = shared_from_this();
    while (!closed_ && queued_bytes_ != 0 && queued_bytes_ >= bytes) {
        const bool woken = co_await drained_.wait();
        if (!woken) break;
    }
}

void websocket_core::close(std::uint16_t code, std::string reason) {
    if (closed_ || closing_) return;
    closing_ = websocket_closed{code, shorten(std::move(reason))};
    close_limit_.arm(close_timeout);
    if (!writing_) start_close();
}

void websocket_core::start_close() {
    if (!lower().is_open()) return;
    const ws::close_reason reason(static_cast<ws::close_code>(closing_->code), closing_->reason);
    websocket_.async_close(reason, [self = shared_from_this()](const boost::system::error_code&) {
        self->end(*self->closing_);  // the peer's answer changes nothing
    });
}

void websocket_core::abandon() {
    // A close that is under way ends by itself; otherwise nobody would read, so there is nothing to wait for.
    if (!closing_) end({1001, "no longer needed"});
}

void websocket_core::end(websocket_closed why) {
    if (!closed_) closed_ = std::move(why);
    close_limit_.disarm();
    lower().cut();
    drained_.notify_all();
}

}  // namespace common::net
