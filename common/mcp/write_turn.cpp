#include "common/mcp/write_turn.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace common::mcp {

write_turn::write_turn(const boost::asio::any_io_executor& executor)
    : given_back_(executor, boost::asio::steady_timer::time_point::max()) {}

boost::asio::awaitable<write_turn::holder> write_turn::take() {
    constexpr auto no_throw = boost::asio::as_tuple(boost::asio::use_awaitable);
    while (is_taken_) co_await given_back_.async_wait(no_throw);
    is_taken_ = true;
    co_return holder(*this);
}

void write_turn::give_back() {
    is_taken_ = false;
    given_back_.cancel();
}

}  // namespace common::mcp
