#include "tests/common/net/raw_client.hpp"

#include <cerrno>
#include <cstdlib>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/http.hpp"

namespace test {
std::string raw_response::field(std::string_view name) const {
    common::net::http_fields fields;
    std::size_t at = head.find("\r\n");
    while (at != std::string::npos) {
        const auto end = head.find("\r\n", at + 2);
        const auto line = head.substr(at + 2, end == std::string::npos ? end : end - at - 2);
        const auto colon = line.find(": ");
        if (colon != std::string::npos) fields.add(line.substr(0, colon), line.substr(colon + 2));
        at = end;
    }
    return std::string(fields.find(name).value_or(""));
}

raw_client::raw_client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        ADD_FAILURE() << "cannot connect to port " << port;
    }
}

raw_client::~raw_client() { close(); }

bool raw_client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

void raw_client::finish_sending() { ::shutdown(socket_, SHUT_WR); }

void raw_client::close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
}

void raw_client::reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

bool raw_client::receive() {
    if (ending_ != ending::open) return false;
    char piece[16384];
    const auto n = ::recv(socket_, piece, sizeof piece, 0);
    if (n > 0) {
        buffer_.append(piece, static_cast<std::size_t>(n));
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) ADD_FAILURE() << "nothing came for 20 s";
    ending_ = n == 0 ? ending::closed : ending::reset;
    return false;
}

std::string raw_client::read_until(std::string_view text) {
    std::size_t at = std::string::npos;
    while ((at = buffer_.find(text)) == std::string::npos && receive()) {
    }
    return read_bytes(at == std::string::npos ? buffer_.size() : at + text.size());
}

std::string raw_client::read_bytes(std::size_t count) {
    while (buffer_.size() < count && receive()) {
    }
    std::string out = buffer_.substr(0, count);
    buffer_.erase(0, out.size());
    return out;
}

std::string raw_client::read_rest() {
    while (receive()) {
    }
    return std::exchange(buffer_, {});
}

raw_response raw_client::read_response(std::string_view method) {
    raw_response out;
    out.head = read_until("\r\n\r\n");
    if (!out.head.starts_with("HTTP/1.1 ") || !out.head.ends_with("\r\n\r\n")) return out;
    out.status = std::atoi(out.head.c_str() + 9);
    if (method == "HEAD" || out.status < 200 || out.status == 204 || out.status == 304) {
        out.complete = true;
    } else if (out.field("Transfer-Encoding") == "chunked") {
        for (;;) {
            const std::string line = read_until("\r\n");
            if (!line.ends_with("\r\n")) return out;
            const auto size = static_cast<std::size_t>(std::strtoull(line.c_str(), nullptr, 16));
            const std::string chunk = read_bytes(size + 2);
            out.body += chunk.substr(0, std::min(size, chunk.size()));
            if (chunk.size() != size + 2) return out;
            if (size == 0) break;
        }
        out.complete = true;
    } else if (const auto length = out.field("Content-Length"); !length.empty()) {
        const auto size = static_cast<std::size_t>(std::atoi(length.c_str()));
        out.body = read_bytes(size);
        out.complete = out.body.size() == size;
    }
    return out;
}

}  // namespace test
