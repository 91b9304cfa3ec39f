// A timer that is moved far more often than it fires: arming costs a clock reading, the timer itself is set again only
// when it wakes. Calls `on_expire` on the executor given, never from inside arm(). All calls there too.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

namespace common::net {

class deadline {
public:
    deadline(const boost::asio::any_io_executor& executor, std::function<void()> on_expire);
    ~deadline();
    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;

    void arm(std::chrono::milliseconds wait);
    void disarm();

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace common::net
