// The log as open_log() makes it: what happens on the I/O thread. Appends go to the writer, reads to a connection of
// their own; readers that wait are woken by what they asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/events/live_ring.hpp"
#include "agent/events/log.hpp"
#include "agent/events/log_file.hpp"
#include "agent/events/writer.hpp"
#include "common/async/blocking_pool.hpp"

namespace agent::events {

// Outlives the log as long as coroutines wait in it.
class log_state : public std::enable_shared_from_this<log_state> {
public:
    log_state(boost::asio::any_io_executor executor, log_files files);
    ~log_state();

    // Ends the threads; whoever waits gets `cancelled`. Blocks for what is being written.
    void close();

    boost::asio::awaitable<proto::result<std::int64_t>> push(write_item item);
    void push_ephemeral(new_event e);

    static boost::asio::awaitable<proto::result<page>> read(std::shared_ptr<log_state> self, filter f,
                                                            std::int64_t after, int limit,
                                                            std::chrono::milliseconds wait);
    // The result of `query` on the reading connection. The query must own what it captures: it may outlive its
    // caller.
    template <class T>
    static boost::asio::awaitable<proto::result<T>> query(std::shared_ptr<log_state> self,
                                                          std::function<T(common::db::connection&)> query);

    const std::string& log_id() const { return log_id_; }
    std::int64_t last_seq() const { return last_seq_; }
    std::string trouble() const { return writer_ ? writer_->trouble() : std::string(); }

private:
    struct waiter {
        const filter& wanted;
        boost::asio::steady_timer timer;
        bool notified = false;
    };
    // On the list of waiters for as long as it lives.
    class listed_waiter;

    void on_written(std::vector<written_item> group, std::int64_t last_seq);
    void forget_superseded(const written_item& written);
    void notify(const std::string& session_id, const std::string& type, bool ephemeral);

    boost::asio::any_io_executor executor_;
    boost::asio::any_io_executor working_;  // keeps the io_context running while a batch is on its way
    std::string log_id_;
    std::filesystem::path directory_;
    std::int64_t last_seq_;    // durable, and told to readers
    std::int64_t queued_ = 0;  // events on their way to the disk
    std::int64_t items_on_their_way_ = 0;
    bool closed_ = false;
    live_ring ring_;
    std::list<waiter> waiters_;
    std::unique_ptr<common::db::database> reading_;
    std::unique_ptr<common::async::blocking_pool> reader_;
    std::unique_ptr<writer> writer_;
};

}  // namespace agent::events
