// What the agent mended by itself: a link that came back, sessions found again after a crash, a log that was begun anew.
// The newest `repairs_max` are kept in log.db. I/O thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/events/log.hpp"

namespace agent::events {

struct repair {
    std::int64_t at_ms = 0;
    std::string action;   // e.g. "link.restored"
    std::string details;  // a sentence
};

class repairs {
public:
    // The log outlives it, and what it began to write.
    repairs(boost::asio::any_io_executor executor, log& kept_in);

    // Reads what earlier runs of the agent noted.
    boost::asio::awaitable<void> load();
    void note(std::string action, std::string details);
    // Oldest first.
    const std::deque<repair>& all() const;

private:
    struct state;
    void begin_to_store();
    static boost::asio::awaitable<void> store(std::shared_ptr<state> s);

    std::shared_ptr<state> state_;
};

}  // namespace agent::events
