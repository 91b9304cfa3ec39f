#include "agent/hold/client.hpp"

#include <limits>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/hold/connection.hpp"
#include "agent/hold/directory.hpp"
#include "agent/hold/spool_reader.hpp"
#include "agent/hold/start.hpp"

namespace agent::hold {
namespace {

namespace asio = boost::asio;

constexpr std::size_t exit_record_bytes_max = 256u << 10;
constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();

// Shared with the coroutines that read from it, so that a client may be destroyed while one of them waits.
struct session {
    asio::any_io_executor executor;
    descriptor directory;
    std::shared_ptr<connection> link;
    spool_reader reader;
    std::optional<hold_error> broken;
    std::optional<exit_info> exit_status;
};

std::unexpected<hold_error> end_of(session& s, const exited& e) {
    exit_info info;
    (e.kind == exit_kind::signal ? info.signal : info.code) = static_cast<int>(e.value);
    info.stderr_tail = e.stderr_tail;
    s.exit_status = std::move(info);
    return std::unexpected(hold_error{hold_errc::ended, "claude has exited."});
}

asio::awaitable<std::expected<line, hold_error>> next_line_of(std::shared_ptr<session> s) {
    for (;;) {
        if (auto found = s->reader.next()) co_return std::move(*found);
        if (s->broken) co_return std::unexpected(*s->broken);

        // A holder that was killed may have stored more than it told.
        const bool gone = s->link->lost() && s->link->lost()->code == hold_errc::gone;
        const auto end = gone ? everything : s->link->end_offset();
        const auto filled = s->reader.fill(end);
        if (!filled) {
            // What claude said is lost for good, so its session cannot go on as if nothing had happened.
            s->broken = hold_error{hold_errc::failed, filled.error()};
            s->link->send(hold::end{0});
            s->link->acknowledge(everything);  // else a full spool would keep the holder from its end
            continue;
        }
        if (*filled) {
            // A long backlog must not keep the executor from everything else.
            co_await asio::post(s->executor, asio::use_awaitable);
            continue;
        }
        if (const auto& e = s->link->exit(); e && s->reader.read_to() >= e->end_offset) co_return end_of(*s, *e);
        if (s->link->lost()) co_return std::unexpected(*s->link->lost());
        if (s->reader.read_to() < s->link->end_offset()) {
            s->broken = hold_error{hold_errc::failed, "The spool lacks a piece that its holder wrote."};
            continue;
        }
        const bool woken = co_await s->link->changed().wait();
        if (!woken && !s->link->lost())
            co_return std::unexpected(hold_error{hold_errc::failed, "The wait for claude's output was given up."});
    }
}

class spool_client final : public client {
public:
    explicit spool_client(std::shared_ptr<session> s) : session_(std::move(s)) {}
    ~spool_client() override { session_->link->close(); }

    asio::awaitable<std::expected<void, hold_error>> write_line(std::string text) override {
        return session_->link->write_line(std::move(text));
    }
    asio::awaitable<std::expected<line, hold_error>> next_line() override { return next_line_of(session_); }
    void acknowledge(std::uint64_t offset) override { session_->link->acknowledge(offset); }
    void end(std::chrono::milliseconds grace) override {
        constexpr std::int64_t grace_ms_max = 24 * 3600 * 1000;
        const auto ms = std::clamp<std::int64_t>(grace.count(), 0, grace_ms_max);
        session_->link->send(hold::end{static_cast<std::uint32_t>(ms)});
    }
    asio::awaitable<void> release() override {
        return session_->link->release(session_->broken ? release_when::exited : release_when::now);
    }
    std::optional<exit_info> exit_status() const override { return session_->exit_status; }
    int claude_pid() const override { return static_cast<int>(session_->link->greeting()->claude_pid); }
    std::string trouble() const override { return session_->link->trouble_text(); }

private:
    std::shared_ptr<session> session_;
};

}  // namespace

asio::awaitable<std::expected<std::unique_ptr<client>, hold_error>> attach(asio::any_io_executor executor,
                                                                           std::filesystem::path directory,
                                                                           std::uint64_t offset) {
    auto opened = open_directory(directory);
    if (!opened) {
        const bool gone = opened.error() == ENOENT || opened.error() == ENOTDIR;
        co_return std::unexpected(hold_error{gone ? hold_errc::gone : hold_errc::failed,
                                             "The holder's directory " + directory.string() + " cannot be opened. " +
                                                 describe_disk_error(opened.error())});
    }
    auto link = co_await connection::open(executor, opened->get());
    if (!link) co_return std::unexpected(std::move(link.error()));
    const auto& greeting = *(*link)->greeting();
    if (offset < greeting.first_offset || offset > greeting.end_offset) {
        (*link)->close();
        co_return std::unexpected(hold_error{hold_errc::failed, "The spool has claude's output from position " +
                                                                    std::to_string(greeting.first_offset) + " to " +
                                                                    std::to_string(greeting.end_offset) +
                                                                    ", not from " + std::to_string(offset) + " on."});
    }
    const int fd = opened->get();
    auto shared = std::make_shared<session>(
        session{executor, std::move(*opened), std::move(*link), spool_reader(fd, offset), {}, {}});
    co_return std::make_unique<spool_client>(std::move(shared));
}

std::vector<line> read_orphaned_spool(const std::filesystem::path& directory, std::uint64_t offset) {
    std::vector<line> lines;
    const auto opened = open_directory(directory);
    if (!opened) return lines;
    spool_reader reader(opened->get(), offset);
    for (;;) {
        while (auto found = reader.next()) lines.push_back(std::move(*found));
        const auto filled = reader.fill(everything);
        if (!filled || !*filled) return lines;
    }
}

std::optional<exit_info> read_exit_info(const std::filesystem::path& directory) {
    const auto opened = open_directory(directory);
    if (!opened) return std::nullopt;
    const auto text = read_small_file(opened->get(), exit_name, exit_record_bytes_max);
    return text ? parse_exit_info(*text) : std::nullopt;
}

}  // namespace agent::hold
