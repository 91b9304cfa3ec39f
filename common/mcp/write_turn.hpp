// Lets one coroutine at a time write to an exchange: a call's result and the comments that keep its stream alive come
// from two. Everything on one executor; at most a few wait.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/event_signal.hpp"

namespace common::mcp {

class write_turn {
public:
    explicit write_turn(const boost::asio::any_io_executor& executor) : given_back_(executor) {}

    class holder {
    public:
        explicit holder(write_turn& turn) : turn_(&turn) {}
        holder(holder&& other) noexcept : turn_(other.turn_) { other.turn_ = nullptr; }
        holder& operator=(holder&&) = delete;
        ~holder() {
            if (turn_) turn_->give_back();
        }

    private:
        write_turn* turn_;
    };

    boost::asio::awaitable<holder> take();

private:
    void give_back();

    async::event_signal given_back_;
    bool is_taken_ = false;
};

}  // namespace common::mcp
