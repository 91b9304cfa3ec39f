// The agent's connection to one holder: greets it, sends messages, keeps what it last said. Shared with its own read
// and write loops; all calls on its executor. A lost connection stays lost: lost() says why.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "agent/hold/client.hpp"
#include "agent/hold/protocol.hpp"
#include "common/async/event_signal.hpp"

namespace agent::hold {

// `exited`: wait for the holder to say so first, as nobody reads a broken session to its end.
enum class release_when { now, exited };

class connection : public std::enable_shared_from_this<connection> {
public:
    explicit connection(boost::asio::any_io_executor executor);

    // Connects to the socket in the directory and completes when the holder has welcomed us.
    static boost::asio::awaitable<std::expected<std::shared_ptr<connection>, hold_error>> open(
        boost::asio::any_io_executor executor, int directory);

    // Completes when the line was handed to claude's pipe, or will never be.
    boost::asio::awaitable<std::expected<void, hold_error>> write_line(std::string text);
    void acknowledge(std::uint64_t offset);
    void send(const message& m);
    void close();
    // Completes when the holder has removed its files, the connection is lost or 10 s are over.
    boost::asio::awaitable<void> release(release_when when);

    // Notified whenever one of the values below has changed.
    common::async::event_signal& changed() { return changed_; }
    const std::optional<hold_error>& lost() const { return lost_; }
    const std::optional<welcome>& greeting() const { return welcome_; }
    const std::optional<exited>& exit() const { return exited_; }
    std::uint64_t end_offset() const { return end_offset_; }
    const std::string& trouble_text() const { return trouble_; }

private:
    using outcome = std::optional<std::expected<void, hold_error>>;

    static boost::asio::awaitable<void> read_loop(std::shared_ptr<connection> self);
    static boost::asio::awaitable<void> write_loop(std::shared_ptr<connection> self);
    void apply(message m);
    void settle(std::uint64_t sequence, std::expected<void, hold_error> result);
    void lose(hold_error why);

    boost::asio::local::stream_protocol::socket socket_;
    common::async::event_signal changed_;
    common::async::event_signal outgoing_;
    frame_reader reader_;
    std::string out_;
    std::optional<std::uint64_t> acknowledge_;
    std::uint64_t last_sequence_ = 0;
    std::map<std::uint64_t, std::shared_ptr<outcome>> writes_;  // sent and not answered

    std::optional<hold_error> lost_;
    std::optional<welcome> welcome_;
    std::optional<exited> exited_;
    std::uint64_t end_offset_ = 0;
    std::string trouble_;
    bool released_ = false;
};

}  // namespace agent::hold
