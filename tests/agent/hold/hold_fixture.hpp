// What the holder's tests share: a directory and a session id of their own, coroutines run to their end on an
// io_context, and the end of everything a test started. A wait is for a condition; the bound below only turns a hang
// into a failure.
#pragma once

#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "agent/hold/client.hpp"
#include "agent/hold/descriptor.hpp"

namespace agent::hold::test {

namespace asio = boost::asio;

class hold_fixture : public ::testing::Test {
protected:
    hold_fixture();
    ~hold_fixture() override;

    spawn_spec spec() const;
    // Runs the coroutine to its end and returns its value.
    template <class T>
    T run(asio::awaitable<T> work) {
        std::optional<T> result;
        std::exception_ptr thrown;
        asio::co_spawn(io_, std::move(work), [&](std::exception_ptr e, T value) {
            thrown = e;
            result.emplace(std::move(value));
        });
        run_until([&] { return result.has_value(); });
        if (thrown) std::rethrow_exception(thrown);
        return std::move(*result);
    }
    void run(asio::awaitable<void> work);
    // Runs the io_context until the condition holds; throws when it does not for two minutes.
    void run_until(const std::function<bool()>& condition);

    std::unique_ptr<client> start();  // throws when it cannot
    std::unique_ptr<client> start(spawn_spec s);
    std::unique_ptr<client> attach_at(std::uint64_t offset);
    void tell(client& c, const std::string& text);  // throws when the line is not written
    line read(client& c);                           // throws on an error
    std::string ask(client& c, const std::string& text);
    hold_error read_error(client& c);  // throws on a line
    pid_t holder_of(const client& c) const;

    asio::io_context io_;
    std::filesystem::path root_;
    std::string session_id_;

private:
    std::vector<descriptor> holders_;  // pidfds, of those that start() started
};

bool is_alive(pid_t pid);                                 // and no zombie
void wait_until(const std::function<bool()>& condition);  // for what other processes do

}  // namespace agent::hold::test
