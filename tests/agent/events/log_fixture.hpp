// What the log's tests share: a directory of their own, an io_context that runs until a coroutine is done.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "agent/events/log.hpp"

namespace agent::events::test {

// Gone with its content at the end.
class temporary_directory {
public:
    temporary_directory();
    ~temporary_directory();
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

// Starts the coroutine; the value is there when it is done.
template <class T>
std::shared_ptr<std::optional<T>> start(boost::asio::io_context& io, boost::asio::awaitable<T> coroutine) {
    auto out = std::make_shared<std::optional<T>>();
    boost::asio::co_spawn(io, std::move(coroutine), [out](std::exception_ptr failed, T value) {
        if (failed) std::rethrow_exception(failed);
        out->emplace(std::move(value));
    });
    return out;
}

template <class T>
T finish(boost::asio::io_context& io, const std::shared_ptr<std::optional<T>>& started) {
    io.restart();
    while (!*started)
        if (io.run_one() == 0) throw std::logic_error("the coroutine waits for nothing");
    return std::move(**started);
}

template <class T>
T await(boost::asio::io_context& io, boost::asio::awaitable<T> coroutine) {
    return finish(io, start(io, std::move(coroutine)));
}

class log_test : public ::testing::Test {
protected:
    log_test() { open(); }

    void open() {
        log_.reset();
        auto opened = open_log(io_.get_executor(), (directory_.path() / "agent").string());
        ASSERT_TRUE(opened) << opened.error().message;
        log_ = std::move(*opened);
    }

    template <class T>
    T await(boost::asio::awaitable<T> coroutine) {
        return test::await(io_, std::move(coroutine));
    }

    // The seq of the last one.
    std::int64_t append(std::vector<new_event> events) {
        batch b;
        b.events = std::move(events);
        auto done = await(log_->append(std::move(b)));
        EXPECT_TRUE(done) << done.error().message;
        return done.value_or(-1);
    }

    page read(filter f, std::int64_t after, int limit = 1000) {
        auto got = await(log_->read(std::move(f), after, limit, std::chrono::milliseconds(0)));
        EXPECT_TRUE(got) << got.error().message;
        return got ? std::move(*got) : page();
    }

    void run(std::function<void(common::db::connection&)> job) {
        const auto done = await(log_->run(std::move(job)));
        EXPECT_TRUE(done) << done.error().message;
    }

    boost::asio::io_context io_;
    temporary_directory directory_;
    std::unique_ptr<log> log_;
};

inline filter of_session(std::string id) {
    filter f;
    f.session_id = std::move(id);
    return f;
}

inline new_event made(std::string session, std::string type, std::string body = "{}", bool starts_turn = false) {
    return {std::move(session), std::move(type), std::move(body), starts_turn};
}

}  // namespace agent::events::test
