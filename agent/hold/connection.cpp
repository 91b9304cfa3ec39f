#include "agent/hold/connection.hpp"

#include <algorithm>
#include <array>

#include <sys/socket.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "agent/hold/directory.hpp"

namespace agent::hold {
namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t holder_frame_bytes_max = 64u << 10;
constexpr std::size_t out_bytes_max = 2 * frame_bytes_max;
constexpr std::chrono::seconds welcome_patience(10);
constexpr std::chrono::seconds release_patience(10);

std::unexpected<hold_error> failure(hold_errc code, std::string message) {
    return std::unexpected(hold_error{code, std::move(message)});
}

bool same_user(int socket) {
    ucred peer{};
    socklen_t length = sizeof(peer);
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == ::geteuid();
}

const char* describe(refusal reason) {
    switch (reason) {
        case refusal::claude_gone:
            return "claude reads no more input: it has exited or is about to.";
        case refusal::queue_full:
            return "claude does not read its input, and too much of it waits already.";
        case refusal::ending:
            return "The session is being ended and takes no more input.";
        case refusal::bad_line:
            return "A line for claude must not contain a newline.";
    }
    return "The holder refused the line.";
}

}  // namespace

connection::connection(asio::any_io_executor executor)
    : socket_(executor), changed_(executor), outgoing_(executor), reader_(holder_frame_bytes_max) {}

asio::awaitable<std::expected<std::shared_ptr<connection>, hold_error>> connection::open(asio::any_io_executor executor,
                                                                                         int directory) {
    const auto self = std::make_shared<connection>(executor);
    const auto address = socket_address(directory);
    const asio::local::stream_protocol::endpoint endpoint(address.sun_path);
    const auto [ec] = co_await self->socket_.async_connect(endpoint, nothrow);
    // No socket: never started, or released. Refused: nobody listens on it any more.
    if (ec == asio::error::connection_refused || ec == boost::system::errc::no_such_file_or_directory)
        co_return failure(hold_errc::gone, "The session's holder is not there any more.");
    if (ec) co_return failure(hold_errc::failed, "The session's holder cannot be reached: " + ec.message() + ".");
    if (!same_user(self->socket_.native_handle()))
        co_return failure(hold_errc::failed, "The process behind the holder's socket belongs to another user.");

    self->send(hello{});
    asio::co_spawn(executor, read_loop(self), asio::detached);
    asio::co_spawn(executor, write_loop(self), asio::detached);
    const auto deadline = clock::now() + welcome_patience;
    while (!self->welcome_ && !self->lost_) {
        const bool woken = co_await self->changed_.wait_until(deadline);
        if (!woken) self->lose({hold_errc::failed, "The session's holder did not answer within 10 seconds."});
    }
    if (self->lost_) co_return std::unexpected(*self->lost_);
    co_return self;
}

asio::awaitable<std::expected<void, hold_error>> connection::write_line(std::string text) {
    const auto self = shared_from_this();
    if (lost_) co_return std::unexpected(*lost_);
    if (text.size() > line_bytes_max)
        co_return failure(hold_errc::failed, "The line for claude is longer than 8 MiB: send less at once.");
    if (text.contains('\n')) co_return failure(hold_errc::failed, describe(refusal::bad_line));
    if (out_.size() + text.size() > out_bytes_max) co_return failure(hold_errc::failed, describe(refusal::queue_full));

    const auto sequence = ++last_sequence_;
    const auto answer = std::make_shared<outcome>();
    writes_.emplace(sequence, answer);
    send(input_line{sequence, std::move(text)});
    while (!*answer) {
        const bool woken = co_await changed_.wait();
        if (!woken && !*answer) {
            writes_.erase(sequence);
            co_return failure(hold_errc::failed, "The wait for claude to take the line was given up.");
        }
    }
    co_return **answer;
}

void connection::acknowledge(std::uint64_t offset) {
    // Only the last one counts, so that a holder that does not read leaves no queue here.
    acknowledge_ = std::max(acknowledge_.value_or(0), offset);
    outgoing_.notify_all();
}

void connection::send(const message& m) {
    if (lost_) return;
    out_ += encode(m);
    outgoing_.notify_all();
}

void connection::close() { lose({hold_errc::failed, "The agent let go of the session's holder."}); }

asio::awaitable<void> connection::release(release_when when) {
    const auto self = shared_from_this();
    const auto deadline = clock::now() + release_patience;
    while (when == release_when::exited && !exited_ && !lost_) {
        const bool woken = co_await changed_.wait_until(deadline);
        if (!woken) break;
    }
    send(hold::release{});
    while (!released_ && !lost_) {
        const bool woken = co_await changed_.wait_until(deadline);
        if (!woken) break;
    }
}

asio::awaitable<void> connection::read_loop(std::shared_ptr<connection> self) {
    std::array<char, 16u << 10> piece;
    while (!self->lost_) {
        const auto [ec, n] = co_await self->socket_.async_read_some(asio::buffer(piece), nothrow);
        if (ec) {
            self->lose({hold_errc::gone, "The session's holder ended."});
            break;
        }
        self->reader_.feed(std::string_view(piece.data(), n));
        while (!self->lost_) {
            auto next = self->reader_.next();
            if (!next) self->lose({hold_errc::failed, "The session's holder broke the protocol. " + next.error().text});
            if (!next || !*next) break;
            self->apply(std::move(**next));
        }
        self->changed_.notify_all();
    }
}

asio::awaitable<void> connection::write_loop(std::shared_ptr<connection> self) {
    while (!self->lost_) {
        if (self->acknowledge_) self->out_ += encode(hold::acknowledge{*std::exchange(self->acknowledge_, {})});
        if (self->out_.empty()) {
            const bool woken = co_await self->outgoing_.wait();
            if (!woken) break;
            continue;
        }
        const auto sending = std::exchange(self->out_, {});
        const auto [ec, n] = co_await asio::async_write(self->socket_, asio::buffer(sending), nothrow);
        // What the holder said before it went is still to be read: the read loop finds the end.
        if (ec) break;
    }
}

void connection::apply(message m) {
    if (auto* w = std::get_if<welcome>(&m)) {
        end_offset_ = std::max(end_offset_, w->end_offset);
        welcome_ = std::move(*w);
    } else if (const auto* p = std::get_if<position>(&m)) {
        end_offset_ = std::max(end_offset_, p->end_offset);
    } else if (const auto* done = std::get_if<written>(&m)) {
        settle(done->sequence, {});
    } else if (const auto* no = std::get_if<refused>(&m)) {
        settle(no->sequence, failure(hold_errc::failed, describe(no->reason)));
    } else if (auto* t = std::get_if<trouble>(&m)) {
        trouble_ = std::move(t->text);
    } else if (auto* e = std::get_if<exited>(&m)) {
        end_offset_ = std::max(end_offset_, e->end_offset);
        exited_ = std::move(*e);
    } else if (std::holds_alternative<released>(m)) {
        released_ = true;
    } else if (auto* f = std::get_if<fault>(&m)) {
        const auto code = f->code == fault_code::incompatible ? hold_errc::incompatible : hold_errc::failed;
        lose({code, std::move(f->text)});
    }
}

void connection::settle(std::uint64_t sequence, std::expected<void, hold_error> result) {
    const auto found = writes_.find(sequence);
    if (found == writes_.end()) return;
    *found->second = std::move(result);
    writes_.erase(found);
}

void connection::lose(hold_error why) {
    if (lost_) return;
    lost_ = std::move(why);
    for (auto& [sequence, answer] : writes_) *answer = std::unexpected(*lost_);
    writes_.clear();
    boost::system::error_code ignored;
    socket_.close(ignored);
    changed_.notify_all();
    outgoing_.notify_all();
}

}  // namespace agent::hold
