// Work that several ask for at once is done once: the first runs it, the others wait for what it gives. Nothing is kept
// afterwards. All on one executor; what run() is given outlives it.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/event_signal.hpp"

namespace common::async {

template <class Value>
class single_flight {
public:
    explicit single_flight(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

    std::size_t under_way() const { return flights_.size(); }
    bool is_under_way(const std::string& key) const { return flights_.contains(key); }

    // What `task` throws is thrown to all who wait.
    boost::asio::awaitable<Value> run(std::string key, std::function<boost::asio::awaitable<Value>()> task) {
        if (const auto found = flights_.find(key); found != flights_.end()) {
            const auto joined = found->second;
            bool woken = true;
            while (woken && !joined->over) woken = co_await joined->done.wait();
            co_return take(*joined);
        }
        const auto own = std::make_shared<flight>(executor_);
        flights_.emplace(key, own);
        try {
            own->value.emplace(co_await task());
        } catch (...) {
            own->thrown = std::current_exception();
        }
        own->over = true;
        flights_.erase(key);
        own->done.notify_all();
        co_return take(*own);
    }

private:
    struct flight {
        explicit flight(const boost::asio::any_io_executor& executor) : done(executor) {}
        event_signal done;
        bool over = false;
        std::optional<Value> value;
        std::exception_ptr thrown;
    };

    static Value take(const flight& from) {
        if (from.thrown) std::rethrow_exception(from.thrown);
        if (!from.value) throw std::runtime_error("the wait for another's work was cancelled");
        return *from.value;
    }

    boost::asio::any_io_executor executor_;
    std::map<std::string, std::shared_ptr<flight>> flights_;
};

}  // namespace common::async
