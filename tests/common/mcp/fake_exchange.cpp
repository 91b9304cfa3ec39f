#include "tests/common/mcp/fake_exchange.hpp"

#include <utility>

#include <gtest/gtest.h>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace common::mcp::test {

event_stream read_events(std::string_view body) {
    event_stream stream;
    std::string data;
    bool has_data = false;
    while (!body.empty()) {
        const std::size_t end = body.find('\n');
        if (end == std::string_view::npos) {
            stream.is_whole = false;
            break;
        }
        const std::string_view line = body.substr(0, end);
        body.remove_prefix(end + 1);
        if (line.starts_with(':')) {
            ++stream.comments;
        } else if (line.starts_with("id: ")) {
            stream.ids.emplace_back(line.substr(4));
        } else if (line.starts_with("retry: ")) {
            stream.retry = std::stoi(std::string(line.substr(7)));
        } else if (line == "data:") {
            has_data = true;
        } else if (line.starts_with("data: ")) {
            stream.is_whole &= data.empty();
            data = line.substr(6);
        } else if (line.empty() && !data.empty()) {
            stream.messages.push_back(nlohmann::json::parse(std::exchange(data, {}), nullptr, false));
        } else if (line.empty() && std::exchange(has_data, false)) {
            stream.is_whole &= stream.messages.empty() && stream.ids.size() == 1;
            if (!stream.ids.empty()) stream.primed_by = stream.ids.front();
        } else if (!line.empty() && line != "event: message") {
            stream.is_whole = false;
        }
    }
    stream.is_whole &= data.empty();
    return stream;
}

boost::asio::awaitable<bool> fake_exchange::respond(net::http_response response) {
    EXPECT_FALSE(has_started || has_responded || was_aborted);
    if (is_gone_) co_return false;
    has_responded = true;
    status = response.status;
    fields = std::move(response.fields);
    body = std::move(response.body);
    co_return true;
}

boost::asio::awaitable<bool> fake_exchange::start(int answered_status, net::http_fields answered_fields) {
    EXPECT_FALSE(has_started || has_responded || was_aborted);
    if (is_gone_) co_return false;
    has_started = true;
    status = answered_status;
    fields = std::move(answered_fields);
    co_return true;
}

// Suspends in the middle, as a socket does, so that a second writer would be noticed.
boost::asio::awaitable<bool> fake_exchange::write(std::string_view piece) {
    EXPECT_TRUE(has_started && !has_finished && !is_writing_);
    is_writing_ = true;
    const std::string copy(piece);
    const auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
    is_writing_ = false;
    if (is_gone_ || was_aborted) co_return false;
    EXPECT_EQ(copy, piece);
    body += piece;
    ++writes;
    if (after_write) after_write();
    co_return true;
}

boost::asio::awaitable<bool> fake_exchange::finish() {
    EXPECT_TRUE(has_started && !has_finished && !is_writing_ && !was_aborted);
    if (is_gone_) co_return false;
    has_finished = true;
    co_return true;
}

void fake_exchange::abort() {
    EXPECT_FALSE(has_responded);
    was_aborted = true;
}

boost::asio::awaitable<std::unique_ptr<net::websocket_channel>> fake_exchange::accept_websocket(std::string,
                                                                                                std::size_t) {
    ADD_FAILURE() << "The MCP engine upgrades nothing.";
    co_return nullptr;
}

void fake_exchange::close_by_peer() {
    is_gone_ = true;
    if (const std::function<void()> listener = std::exchange(listener_, nullptr)) listener();
}

}  // namespace common::mcp::test
