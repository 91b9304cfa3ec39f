// The links that are up on this hub, one a machine: the highest epoch is the machine. Hub's executor.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/event_signal.hpp"
#include "hub/links/link.hpp"

namespace hub::links {

class registry {
public:
    explicit registry(boost::asio::any_io_executor executor) : changed_(std::move(executor)) {}

    // Returns the link that is not the machine (any more), if there are two: close it with 4408. It may be the one given,
    // since the answers of the database may overtake each other.
    std::shared_ptr<link> add(std::shared_ptr<link> one);
    // Does nothing for a link that was replaced.
    void remove(const link& gone);

    std::shared_ptr<link> find(std::string_view machine_id) const;
    // In the order of machine ids.
    std::vector<std::shared_ptr<link>> of_workspace(std::string_view workspace_id) const;
    std::size_t size() const { return links_.size(); }

    // The machine's link, waiting for it until the deadline: a machine that lost its link is back in a moment.
    boost::asio::awaitable<std::shared_ptr<link>> wait_for(std::string machine_id,
                                                           std::chrono::steady_clock::time_point deadline);
    // Until the workspace has a link.
    boost::asio::awaitable<void> wait_for_any(std::vector<std::string> workspace_ids,
                                              std::chrono::steady_clock::time_point deadline);
    // The hub stops: nobody waits any more.
    void stop_waiting();

private:
    using by_machine = std::map<std::string, std::shared_ptr<link>, std::less<>>;

    by_machine links_;
    std::map<std::string, by_machine, std::less<>> by_workspace_;
    bool stopping_ = false;
    common::async::event_signal changed_;
};

}  // namespace hub::links
