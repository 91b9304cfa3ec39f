// What a back end writes, in whatever pieces, stays one message: no result can end its event early, begin another, or look
// like a comment, an id or a retry of ours.
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "common/mcp/event_output.hpp"
#include "common/mcp/response_stream.hpp"
#include "common/mcp/result_frame.hpp"
#include "common/net/websocket_channel.hpp"
#include "proto/json_scanner.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

namespace {

namespace asio = boost::asio;
using namespace common::mcp;

// Holds what was answered.
class kept_answer final : public common::net::http_exchange {
public:
    const common::net::http_request& request() const override { return request_; }
    asio::awaitable<bool> respond(common::net::http_response response) override {
        body = std::move(response.body);
        co_return true;
    }
    asio::awaitable<bool> start(int, common::net::http_fields) override { co_return true; }
    asio::awaitable<bool> write(std::string_view piece) override {
        body += piece;
        co_return true;
    }
    asio::awaitable<bool> finish() override { co_return true; }
    void abort() override {}
    void on_peer_closed(std::function<void()>) override {}
    asio::awaitable<std::unique_ptr<common::net::websocket_channel>> accept_websocket(std::string,
                                                                                      std::size_t) override {
        co_return nullptr;
    }

    std::string body;

private:
    common::net::http_request request_;
};

constexpr std::string_view notice = R"({"jsonrpc":"2.0","method":"notifications/message","params":{}})";

asio::awaitable<void> answer(kept_answer& exchange, std::string_view text, std::size_t step) {
    response_stream::settings settings;
    settings.initial = response_stream::form::events;
    settings.stream_after = std::chrono::hours(1);
    settings.comment_every = std::chrono::hours(1);
    const auto stream =
        std::make_shared<response_stream>(co_await asio::this_coro::executor, exchange, std::move(settings));
    co_await stream->notify(notice);
    for (std::size_t at = 0; at < text.size(); at += step) co_await stream->write(text.substr(at, step));
    co_await stream->end();
    co_await stream->finish();
}

// The data of each event, as the HTML Living Standard (9.2.6) reads a stream; nothing else may be in it.
std::vector<std::string> data_in(std::string_view body) {
    std::vector<std::string> events;
    std::string data;
    while (!body.empty()) {
        const std::size_t end = body.find_first_of("\r\n");
        require(end != std::string_view::npos);
        const std::string_view line = body.substr(0, end);
        body.remove_prefix(body.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
        if (line.empty()) {
            if (!data.empty()) events.push_back(std::exchange(data, {}));
            continue;
        }
        if (line.starts_with("event:")) continue;
        require(line.starts_with("data:") && data.empty());
        data = line.substr(line.starts_with("data: ") ? 6 : 5);
    }
    require(data.empty());
    return events;
}

}  // namespace

void run(std::string_view input) {
    const std::size_t step = 1 + take_byte(input) % 16;
    const bool has_members = (take_byte(input) & 1) != 0;

    result_frame frame("7", has_members ? R"("resultType":"complete","_meta":{"a":1})" : "");
    std::string text;
    for (std::size_t at = 0; at < input.size(); at += step) text += frame.take(input.substr(at, step));
    text += result_frame::tail;

    asio::io_context context(1);
    kept_answer exchange;
    asio::co_spawn(context, answer(exchange, text, step), [](const std::exception_ptr& failed) {
        if (failed) std::rethrow_exception(failed);
    });
    context.run();
    const auto events = data_in(exchange.body);
    require(events.size() == 2 && events[0] == notice);

    std::string in_one_line = text;
    to_one_line(in_one_line);
    require(in_one_line.find_first_of("\r\n") == std::string::npos);
    require(events[1] == in_one_line);

    // Results are checked before they get here; of those that are an object, nothing is lost.
    if (!proto::is_json_object(input)) return;
    auto parsed = parse_json(in_one_line);
    if (!parsed) return;
    auto& message = *parsed;
    require(message.is_object() && message["jsonrpc"] == "2.0" && message["id"] == 7 && message["result"].is_object());
    require(message == nlohmann::json::parse(text, nullptr, false));
    const auto result = parse_json(input);
    if (!result) return;
    for (const auto& [key, value] : result->items())
        if (!has_members || (key != "resultType" && key != "_meta")) require(message["result"][key] == value);
}

}  // namespace fuzz
