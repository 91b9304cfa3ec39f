#include "common/mcp/write_turn.hpp"

#include <tuple>

namespace common::mcp {

boost::asio::awaitable<write_turn::holder> write_turn::take() {
    while (is_taken_) std::ignore = co_await given_back_.wait();
    is_taken_ = true;
    co_return holder(*this);
}

void write_turn::give_back() {
    is_taken_ = false;
    given_back_.notify_all();
}

}  // namespace common::mcp
