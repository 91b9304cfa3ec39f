// One result on its way from another thread to a coroutine. Made, delivered and awaited on the I/O thread; whoever
// makes it starts the work at once, so that the order of calls is the order of the work however late they are
// awaited.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proto/error.hpp"

namespace agent::events {

template <class T>
class delivery {
public:
    void deliver(proto::result<T> value) {
        if (!handler_) {
            value_ = std::move(value);
            return;
        }
        auto handler = std::exchange(handler_, nullptr);
        handler(std::move(value));
    }

    // Once. Dropping the delivery undelivered destroys the waiting coroutine.
    static boost::asio::awaitable<proto::result<T>> wait(std::shared_ptr<delivery> self) {
        return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(proto::result<T>)>(
            [](auto handler, std::shared_ptr<delivery> waited) {
                auto resume = [h = std::move(handler)](proto::result<T> value) mutable {
                    const auto executor = boost::asio::get_associated_executor(h);
                    boost::asio::post(executor, [h = std::move(h), value = std::move(value)]() mutable {
                        std::move(h)(std::move(value));
                    });
                };
                if (waited->value_)
                    resume(std::move(*waited->value_));
                else
                    waited->handler_ = std::move(resume);
            },
            boost::asio::use_awaitable, std::move(self));
    }

private:
    std::optional<proto::result<T>> value_;
    std::move_only_function<void(proto::result<T>)> handler_;
};

}  // namespace agent::events
