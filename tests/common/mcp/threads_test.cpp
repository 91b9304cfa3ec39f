// One engine serves connections on several threads: what they share is their sessions and calls in flight.
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

// Has no state of its own, so that only the engine's can race.
class plain_backend final : public backend {
public:
    std::string tools(const proto::principal&) override { return "[]"; }
    bool has_tool(std::string_view) const override { return true; }
    std::string instructions() const override { return {}; }
    boost::asio::awaitable<proto::result<void>> call(const tool_call&, call_reply& reply) override {
        const auto executor = co_await boost::asio::this_coro::executor;
        co_await boost::asio::post(executor, boost::asio::use_awaitable);
        co_await reply.write(text_result);
        co_return proto::result<void>{};
    }
};

boost::asio::awaitable<void> be_a_client(engine& subject, const harness& maker, int& answered) {
    for (int i = 0; i < 50; ++i) {
        const auto initialize = maker.make_post(
            R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})");
        co_await subject.handle(*initialize, maker.who, 0);
        const net::http_fields session{{"Mcp-Session-Id", initialize->field("Mcp-Session-Id")}};
        const auto call = maker.make_post(call_body("any"), session);
        co_await subject.handle(*call, maker.who, 0);
        const auto cancel =
            maker.make_post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})");
        co_await subject.handle(*cancel, maker.who, 0);
        const auto end = maker.make("DELETE", session, "");
        co_await subject.handle(*end, maker.who, 0);
        if (call->status == 200 && cancel->status == 202 && end->status == 200) ++answered;
    }
}

TEST(threads, share_an_engine) {
    const harness maker;
    plain_backend tools;
    engine_options options;
    options.seal = [](std::string_view plain, std::string_view) { return std::string(plain); };
    options.open = [](std::string_view sealed, std::string_view) { return std::optional<std::string>(sealed); };
    std::atomic<int> next = 0;
    options.random_token = [&next](std::size_t length) { return fmt::format("{:0>{}}", ++next, length); };
    engine subject(tools, std::move(options));

    std::array<int, 4> answered{};
    std::vector<std::jthread> threads;
    for (int& count : answered) {
        threads.emplace_back([&] {
            boost::asio::io_context io;
            boost::asio::co_spawn(io, be_a_client(subject, maker, count), boost::asio::detached);
            io.run();
        });
    }
    threads.clear();
    EXPECT_EQ(answered, (std::array<int, 4>{50, 50, 50, 50}));
}

}  // namespace
}  // namespace common::mcp::test
