// WebSocket bytes made by hand (RFC 6455 §5.2), for clients that break rules.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace test {

enum class opcode : unsigned char { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// As a client sends it, masked with zeros.
inline std::string frame(opcode kind, std::string_view payload, bool final = true) {
    std::string out;
    out += static_cast<char>((final ? 0x80 : 0) | static_cast<unsigned char>(kind));
    if (payload.size() < 126) {
        out += static_cast<char>(0x80 | payload.size());
    } else {
        out += static_cast<char>(0x80 | 126);
        out += static_cast<char>(payload.size() >> 8);
        out += static_cast<char>(payload.size() & 0xff);
    }
    out.append(4, '\0');
    out += payload;
    return out;
}

inline std::string upgrade_request(std::string_view subprotocol) {
    return "GET /link HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " +
           std::string(subprotocol) + "\r\n\r\n";
}

// Of the close frame that these bytes begin with; 0 if they do not.
inline int close_code(const std::string& bytes) {
    if (bytes.size() < 4 || static_cast<unsigned char>(bytes[0]) != 0x88) return 0;
    return static_cast<unsigned char>(bytes[2]) * 256 + static_cast<unsigned char>(bytes[3]);
}

}  // namespace test
