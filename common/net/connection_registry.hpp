// Which connections a listener has, how many it may have, and how to end them. One thread. Tickets may outlive the
// registry's owner: they share its state.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include "common/async/event_signal.hpp"

namespace common::net {

class connection_registry : public std::enable_shared_from_this<connection_registry> {
    struct entry {
        std::string peer;
        std::function<void()> drain;
        std::function<void()> cut;
    };

public:
    // One place among the connections, given back when destroyed.
    class ticket {
    public:
        ticket() = default;
        ticket(ticket&& other) noexcept = default;
        ticket& operator=(ticket&& other) noexcept;
        ~ticket() { release(); }

        // `drain`: end when the exchange at hand is over. `cut`: end now. Called at most often; must not throw.
        void on_shutdown(std::function<void()> drain, std::function<void()> cut);

    private:
        friend class connection_registry;
        ticket(std::shared_ptr<connection_registry> registry, std::list<entry>::iterator place)
            : registry_(std::move(registry)), place_(place) {}
        void release();

        std::shared_ptr<connection_registry> registry_;
        std::list<entry>::iterator place_;
    };

    connection_registry(boost::asio::any_io_executor executor, std::size_t total_max, std::size_t per_peer_max);

    // Null: no more connections, in total or from this peer (an IPv4 address or an IPv6 /64, which one host can fill).
    // Loopback has no share of its own: a proxy on this machine speaks for everyone.
    std::optional<ticket> admit(const boost::asio::ip::address& peer);

    std::size_t size() const { return entries_.size(); }
    void drain_all();
    void cut_all();
    boost::asio::awaitable<bool> wait_empty(std::chrono::steady_clock::time_point deadline);

private:
    std::size_t total_max_;
    std::size_t per_peer_max_;
    std::list<entry> entries_;
    std::unordered_map<std::string, std::size_t> by_peer_;
    async::event_signal ended_;
};

}  // namespace common::net
