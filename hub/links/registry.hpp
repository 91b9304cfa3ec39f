// The links that are up on this hub, one a machine: the newest fences the older. Hub's executor.
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

    // The link replaced, if any: close it with 4408.
    std::shared_ptr<link> add(std::shared_ptr<link> newest);
    // Does nothing for a link that was replaced.
    void remove(const link& gone);

    std::shared_ptr<link> find(std::string_view machine_id) const;
    // In the order of machine ids.
    std::vector<std::shared_ptr<link>> of_workspace(std::string_view workspace_id) const;
    std::vector<std::shared_ptr<link>> all() const;

    // The machine's link, waiting for it until the deadline: a machine that lost its link is back in a moment.
    boost::asio::awaitable<std::shared_ptr<link>> wait_for(std::string machine_id,
                                                           std::chrono::steady_clock::time_point deadline);

private:
    std::map<std::string, std::shared_ptr<link>, std::less<>> links_;
    common::async::event_signal changed_;
};

}  // namespace hub::links
