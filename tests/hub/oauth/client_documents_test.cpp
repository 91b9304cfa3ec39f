#include "hub/oauth/client_documents.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "common/async/event_signal.hpp"

namespace hub::oauth {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using common::net::connect_error;
using common::net::connect_failure;
using common::net::http_fields;
using common::net::http_response;

std::string document(std::string_view id, std::string_view name = "App") {
    return nlohmann::json{{"client_id", id}, {"client_name", name}, {"redirect_uris", {"http://localhost/cb"}}}.dump();
}

http_response answer(std::string body, http_fields more = {}) {
    http_response response{.status = 200, .fields = {{"Content-Type", "application/json"}}, .body = std::move(body)};
    response.fields.add_all(more);
    return response;
}

class client_documents_of : public testing::Test {
protected:
    using outcome = std::expected<http_response, connect_error>;

    client_documents make(std::size_t entries_max = 1000) {
        client_documents_options options;
        options.entries_max = entries_max;
        options.now = [this] { return now_; };
        options.wall_now = [this] { return wall_now_; };
        return {io_.get_executor(), [this](std::string url) { return serve(this, std::move(url)); }, options};
    }

    static asio::awaitable<outcome> serve(client_documents_of* self, std::string url) {
        self->fetched_.push_back(url);
        while (self->hold_) {
            const bool woken = co_await self->released_.wait();
            if (!woken) break;
        }
        if (self->next_) co_return *self->next_;
        co_return answer(document(url));
    }

    document_result find(client_documents& documents, std::string id) {
        std::optional<document_result> out;
        asio::co_spawn(io_, documents.find(std::move(id)), [&](std::exception_ptr thrown, document_result result) {
            EXPECT_FALSE(thrown);
            out = std::move(result);
        });
        io_.restart();
        io_.run();
        return out.value();
    }

    asio::io_context io_;
    std::chrono::steady_clock::time_point now_{1h};
    std::chrono::system_clock::time_point wall_now_{std::chrono::seconds(1'800'000'000)};
    std::optional<outcome> next_;  // instead of the good document
    std::vector<std::string> fetched_;
    bool hold_ = false;
    common::async::event_signal released_{io_.get_executor()};
};

const std::string id = "https://app.example/client.json";

TEST_F(client_documents_of, are_fetched_and_kept) {
    auto documents = make();
    const auto first = find(documents, id);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->client_name, "App");
    EXPECT_EQ(find(documents, id).value(), *first);
    EXPECT_EQ(fetched_, std::vector{id});
    now_ += 299s;
    EXPECT_TRUE(find(documents, id));
    EXPECT_EQ(fetched_.size(), 1U);
    now_ += 1s;
    EXPECT_TRUE(find(documents, id));
    EXPECT_EQ(fetched_.size(), 2U);
}

TEST_F(client_documents_of, a_bad_id_is_never_fetched) {
    auto documents = make();
    for (const auto* bad : {"https://app.example/", "http://app.example/c", "https://127.1/c", "x"})
        EXPECT_EQ(find(documents, bad).error().code, document_errc::invalid_id);
    EXPECT_TRUE(fetched_.empty());
}

TEST_F(client_documents_of, are_kept_as_long_as_their_server_says) {
    auto documents = make();
    next_ = answer(document(id), {{"Cache-Control", "max-age=1000"}});
    ASSERT_TRUE(find(documents, id));
    now_ += 999s;
    ASSERT_TRUE(find(documents, id));
    EXPECT_EQ(fetched_.size(), 1U);
}

TEST_F(client_documents_of, who_asks_at_once_gets_one_answer) {
    auto documents = make();
    hold_ = true;
    std::vector<document_result> results;
    const auto take = [&](std::exception_ptr thrown, document_result result) {
        EXPECT_FALSE(thrown);
        results.push_back(std::move(result));
    };
    for (int i = 0; i < 50; ++i) asio::co_spawn(io_, documents.find(id), take);
    io_.poll();
    EXPECT_TRUE(results.empty());
    next_ = std::unexpected(connect_error{connect_failure::refused, "Nobody there.", 0});
    hold_ = false;
    released_.notify_all();
    io_.restart();
    io_.run();
    EXPECT_EQ(fetched_.size(), 1U);
    ASSERT_EQ(results.size(), 50U);
    for (const auto& result : results) EXPECT_EQ(result.error().code, document_errc::unavailable);
    EXPECT_NE(results.front().error().message.find("Nobody there."), std::string::npos);
    next_.reset();
    EXPECT_TRUE(find(documents, id));  // errors are not kept
}

TEST_F(client_documents_of, only_a_plain_200_of_json_counts) {
    auto documents = make();
    const auto code = [&](http_response response) {
        now_ += 1min;
        next_ = std::move(response);
        const auto found = find(documents, id);
        EXPECT_FALSE(found);
        return found ? document_errc::invalid_id : found.error().code;
    };
    for (const int status : {201, 204, 301, 302, 307, 308, 400, 401, 404, 410}) {
        auto response = answer(document(id), {{"Location", id}});
        response.status = status;
        EXPECT_EQ(code(std::move(response)), document_errc::invalid_document) << status;
    }
    for (const int status : {429, 500, 503}) {
        auto response = answer(document(id));
        response.status = status;
        EXPECT_EQ(code(std::move(response)), document_errc::unavailable) << status;
    }
    for (const auto* type : {"text/html", "text/plain", "application/jsonp", "application/x+jsonx", "", "text/x+json"})
        EXPECT_EQ(code({200, {{"Content-Type", type}}, document(id)}), document_errc::invalid_document) << type;
    EXPECT_EQ(code({200, {}, document(id)}), document_errc::invalid_document);
    EXPECT_EQ(code(answer(document("https://evil.example/c"))), document_errc::invalid_document);
    EXPECT_EQ(code(answer("no")), document_errc::invalid_document);
    for (const auto* type :
         {"application/json; charset=utf-8", "Application/JSON ;x=y", "application/client-metadata+json"}) {
        now_ += 1h;
        next_ = http_response{200, {{"Content-Type", type}}, document(id)};
        EXPECT_TRUE(find(documents, id)) << type;
    }
}

TEST_F(client_documents_of, a_stale_one_serves_while_its_server_is_down_for_a_day) {
    auto documents = make();
    ASSERT_TRUE(find(documents, id));
    next_ = std::unexpected(connect_error{connect_failure::timeout, "Silence.", 0});
    now_ += 300s + 23h;
    EXPECT_TRUE(find(documents, id));
    next_ = http_response{503, {}, ""};
    EXPECT_TRUE(find(documents, id));
    EXPECT_EQ(fetched_.size(), 3U);
    now_ += 1h;
    EXPECT_FALSE(find(documents, id));
}

TEST_F(client_documents_of, a_stale_one_ends_when_its_server_takes_it_back) {
    auto documents = make();
    ASSERT_TRUE(find(documents, id));
    now_ += 301s;
    next_ = http_response{404, {}, ""};
    EXPECT_FALSE(find(documents, id));
    next_ = std::unexpected(connect_error{connect_failure::timeout, "Silence.", 0});
    EXPECT_FALSE(find(documents, id));
}

TEST_F(client_documents_of, fetches_are_few_for_one_host_and_for_all) {
    auto documents = make();
    const auto of = [](int host, int number) {
        return "https://h" + std::to_string(host) + ".example/" + std::to_string(number);
    };
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(find(documents, of(0, i)));
    const auto sixth = find(documents, of(0, 5));
    EXPECT_EQ(sixth.error().code, document_errc::throttled);
    EXPECT_NE(sixth.error().message.find("h0.example"), std::string::npos);
    EXPECT_TRUE(find(documents, of(0, 0)));  // known
    for (int i = 0; i < 15; ++i) EXPECT_TRUE(find(documents, of(1 + i, 0)));
    EXPECT_EQ(find(documents, of(99, 0)).error().code, document_errc::throttled);
    EXPECT_EQ(fetched_.size(), 20U);
    now_ += 1min;
    EXPECT_TRUE(find(documents, of(99, 0)));
    EXPECT_TRUE(find(documents, of(0, 5)));
}

TEST_F(client_documents_of, a_throttled_one_that_is_stale_serves) {
    auto documents = make();
    ASSERT_TRUE(find(documents, id));
    now_ += 301s;
    for (int i = 0; i < 5; ++i) std::ignore = find(documents, "https://app.example/" + std::to_string(i));
    const auto fetches = fetched_.size();
    EXPECT_TRUE(find(documents, id));
    EXPECT_EQ(fetched_.size(), fetches);
}

TEST_F(client_documents_of, errors_are_throttled_too) {
    auto documents = make();
    next_ = http_response{404, {}, ""};
    for (int i = 0; i < 5; ++i) EXPECT_EQ(find(documents, id).error().code, document_errc::invalid_document);
    EXPECT_EQ(find(documents, id).error().code, document_errc::throttled);
}

TEST_F(client_documents_of, the_one_least_used_makes_room) {
    auto documents = make(3);
    const auto of = [](int i) { return "https://h" + std::to_string(i) + ".example/c"; };
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(find(documents, of(i)));
    ASSERT_TRUE(find(documents, of(0)));
    ASSERT_TRUE(find(documents, of(3)));  // instead of 1
    fetched_.clear();
    for (const int i : {0, 2, 3}) ASSERT_TRUE(find(documents, of(i)));
    EXPECT_TRUE(fetched_.empty());
    ASSERT_TRUE(find(documents, of(1)));
    EXPECT_EQ(fetched_.size(), 1U);
}

}  // namespace
}  // namespace hub::oauth
