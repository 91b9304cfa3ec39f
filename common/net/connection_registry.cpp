#include "common/net/connection_registry.hpp"

#include <utility>
#include <vector>

namespace common::net {
namespace {

std::string peer_key(const boost::asio::ip::address& address) {
    namespace ip = boost::asio::ip;
    if (address.is_v4()) return address.to_string();
    if (address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_string();
    const auto bytes = address.to_v6().to_bytes();
    return std::string(bytes.begin(), bytes.begin() + 8);
}

bool is_loopback(const boost::asio::ip::address& address) {
    namespace ip = boost::asio::ip;
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return ip::make_address_v4(ip::v4_mapped, address.to_v6()).is_loopback();
    }
    return address.is_loopback();
}

}  // namespace

connection_registry::connection_registry(boost::asio::any_io_executor executor, std::size_t total_max,
                                         std::size_t per_peer_max)
    : total_max_(total_max), per_peer_max_(per_peer_max), ended_(std::move(executor)) {}

std::optional<connection_registry::ticket> connection_registry::admit(const boost::asio::ip::address& peer) {
    if (entries_.size() >= total_max_) return std::nullopt;
    auto key = peer_key(peer);
    auto& from_peer = by_peer_[key];
    if (from_peer >= per_peer_max_ && !is_loopback(peer)) {
        if (from_peer == 0) by_peer_.erase(key);
        return std::nullopt;
    }
    ++from_peer;
    const auto place = entries_.insert(entries_.end(), entry{.peer = std::move(key), .drain = {}, .cut = {}});
    return ticket(shared_from_this(), place);
}

connection_registry::ticket& connection_registry::ticket::operator=(ticket&& other) noexcept {
    if (this != &other) {
        release();
        registry_ = std::move(other.registry_);
        place_ = other.place_;
    }
    return *this;
}

void connection_registry::ticket::on_shutdown(std::function<void()> drain, std::function<void()> cut) {
    if (!registry_) return;
    place_->drain = std::move(drain);
    place_->cut = std::move(cut);
}

void connection_registry::ticket::release() {
    const auto registry = std::exchange(registry_, nullptr);
    if (!registry) return;
    const auto count = registry->by_peer_.find(place_->peer);
    if (--count->second == 0) registry->by_peer_.erase(count);
    registry->entries_.erase(place_);
    registry->ended_.notify_all();
}

void connection_registry::drain_all() {
    // Copied first: what is called may end connections.
    std::vector<std::function<void()>> calls;
    for (const auto& e : entries_) calls.push_back(e.drain);
    for (const auto& call : calls) {
        if (call) call();
    }
}

void connection_registry::cut_all() {
    std::vector<std::function<void()>> calls;
    for (const auto& e : entries_) calls.push_back(e.cut);
    for (const auto& call : calls) {
        if (call) call();
    }
}

boost::asio::awaitable<bool> connection_registry::wait_empty(std::chrono::steady_clock::time_point deadline) {
    const auto self = shared_from_this();
    while (!entries_.empty()) {
        const bool woken = co_await ended_.wait_until(deadline);
        if (!woken) break;
    }
    const bool all_ended = entries_.empty();
    co_return all_ended;
}

}  // namespace common::net
