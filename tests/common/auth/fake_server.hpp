// An authorization server that is a table of answers, and a time that stands still.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "common/async/event_signal.hpp"
#include "common/auth/token_checker.hpp"
#include "common/net/fetch_guard.hpp"

namespace test {

class fake_server : public testing::Test {
protected:
    static constexpr const char* issuer = "https://as.example";
    static constexpr const char* audience = "https://hub.example/mcp";

    static boost::asio::awaitable<common::auth::http_result> serve(fake_server* self,
                                                                   common::net::http_client_request request) {
        self->asked_.push_back(request);
        while (self->held_) std::ignore = co_await self->released_.wait();
        if (self->down_)
            co_return std::unexpected(
                common::net::connect_error{common::net::connect_failure::timeout, "It is down.", 0});
        const auto found = self->answers_.find(request.url);
        if (found == self->answers_.end()) co_return common::net::http_response{404, {}, "not found"};
        co_return found->second;
    }

    common::auth::server_access access() {
        return {.fetch = [this](common::net::http_client_request r) { return serve(this, std::move(r)); },
                .guard = std::make_shared<common::net::fetch_guard>(),
                .time = {.steady = [this] { return steady_; }, .wall = [this] { return wall_; }}};
    }

    void pass(std::chrono::seconds time) {
        steady_ += time;
        wall_ += time;
    }
    std::int64_t now() const { return std::chrono::system_clock::to_time_t(wall_); }

    void publish_metadata(const nlohmann::json& more) {
        nlohmann::json metadata{{"issuer", issuer}};
        metadata.update(more);
        answers_["https://as.example/.well-known/oauth-authorization-server"] = {200, {}, metadata.dump()};
    }

    std::size_t asked_for(std::string_view part) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(asked_, [&](const auto& request) { return request.url.contains(part); }));
    }

    template <class T>
    T run(boost::asio::awaitable<T> task) {
        std::optional<T> out;
        boost::asio::co_spawn(io_, std::move(task), [&](std::exception_ptr thrown, T value) {
            EXPECT_FALSE(thrown);
            out.emplace(std::move(value));
        });
        io_.restart();
        io_.run();
        return std::move(out.value());
    }

    boost::asio::io_context io_;
    std::chrono::steady_clock::time_point steady_{std::chrono::hours(1)};
    std::chrono::system_clock::time_point wall_{std::chrono::seconds(1'800'000'000)};
    std::map<std::string, common::net::http_response> answers_;
    std::vector<common::net::http_client_request> asked_;
    bool down_ = false;
    bool held_ = false;
    common::async::event_signal released_{io_.get_executor()};
};

}  // namespace test
