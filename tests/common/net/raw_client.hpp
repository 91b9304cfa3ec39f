// A TCP client that sends exactly the bytes it is told to, blocking. A read that gets nothing for 20 s fails the test
// instead of hanging it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace test {

enum class ending { open, closed, reset };

struct raw_response {
    int status = 0;  // 0: the connection ended before a whole header
    std::string head;
    std::string body;       // chunks joined
    bool complete = false;  // by Content-Length or the last chunk
    std::string field(std::string_view name) const;
};

class raw_client {
public:
    explicit raw_client(std::uint16_t port);
    ~raw_client();
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;

    // False: the server does not take it any more.
    bool send(std::string_view bytes);
    void finish_sending();
    void close();
    void reset();

    // `method`: HEAD has no body.
    raw_response read_response(std::string_view method = "GET");
    // Until the text has come; what came so far.
    std::string read_until(std::string_view text);
    // Exactly that many bytes, or fewer at the end.
    std::string read_bytes(std::size_t count);
    // Reads everything there still is.
    std::string read_rest();
    ending how_it_ended() const { return ending_; }

private:
    bool receive();

    int socket_ = -1;
    std::string buffer_;
    ending ending_ = ending::open;
};

}  // namespace test
