// Bytes on a connection, read as HTTP/1.1 requests until the connection ends or one is refused. The reader wants a socket,
// so it gets one end of a pair: nothing leaves the process.
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "common/net/request_reader.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

namespace {

namespace asio = boost::asio;
using namespace common::net;

asio::awaitable<void> read_all(stream& from, const http_limits& limits) {
    request_reader reader(limits);
    while (co_await reader.wait_for_request(from)) {
        const auto head = co_await reader.read_head(from);
        if (!head) {
            require(head.error().status == 0 || (head.error().status >= 400 && head.error().status < 600));
            co_return;
        }
        require(!head->method.empty() && !head->path.empty());
        require(head->path.find_first_of(" \r\n?") == std::string::npos);
        require(head->fields.all().size() <= limits.fields_max);
        for (const auto& [name, value] : head->fields.all()) {
            require(!name.empty() && name.find_first_of(" \t\r\n:") == std::string::npos);
            require(value.find_first_of("\r\n") == std::string::npos && value.find('\0') == std::string::npos);
        }
        // Two lengths are two readings (RFC 9112 §6.3).
        require(head->fields.count("Content-Length") + head->fields.count("Transfer-Encoding") <= 1);
        if (reader.has_body()) {
            const auto body = co_await reader.read_body(from);
            if (!body) co_return;
            require(body->size() <= limits.body_bytes_max);
        }
        if (!reader.keep_alive()) co_return;
    }
}

}  // namespace

void run(std::string_view input) {
    if (input.size() > 60'000) return;  // fits the socket's buffer
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    require(::write(ends[1], input.data(), input.size()) == static_cast<ssize_t>(input.size()));
    ::close(ends[1]);

    asio::io_context context(1);
    asio::ip::tcp::socket socket(context);
    socket.assign(asio::ip::tcp::v4(), ends[0]);
    stream from(std::move(socket));
    http_limits limits;
    limits.body_bytes_max = 16 << 10;
    asio::co_spawn(context, read_all(from, limits), [](const std::exception_ptr& failed) {
        if (failed) std::rethrow_exception(failed);
    });
    context.run();
}

}  // namespace fuzz
