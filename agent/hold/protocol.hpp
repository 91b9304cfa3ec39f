// The messages between an agent and a holder, and their bytes: agent/hold/README.md is the specification, frozen.
// Plain values, no I/O. What a peer sent and cannot be understood comes back as a protocol_fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace agent::hold {

inline constexpr std::uint16_t protocol_major = 1;
inline constexpr std::uint16_t protocol_minor = 0;
inline constexpr std::size_t line_bytes_max = 8u << 20;                // of one line to claude
inline constexpr std::size_t frame_bytes_max = line_bytes_max + 4096;  // type and payload
inline constexpr std::size_t text_bytes_max = 16u << 10;               // of any text in a message

// --- agent to holder

struct hello {
    std::uint16_t major_min = protocol_major;  // the agent speaks every major version from here …
    std::uint16_t major_max = protocol_major;  // … to here
    std::uint16_t minor = protocol_minor;
    bool operator==(const hello&) const = default;
};
struct input_line {
    std::uint64_t sequence = 0;
    std::string line;  // without the newline
    bool operator==(const input_line&) const = default;
};
struct acknowledge {
    std::uint64_t offset = 0;
    bool operator==(const acknowledge&) const = default;
};
struct end {
    std::uint32_t grace_ms = 0;
    bool operator==(const end&) const = default;
};
struct release {
    bool operator==(const release&) const = default;
};

// --- holder to agent

struct welcome {
    std::uint16_t major = protocol_major;
    std::uint16_t minor = protocol_minor;
    std::uint32_t holder_pid = 0;
    std::uint32_t claude_pid = 0;
    std::uint64_t first_offset = 0;  // of what the spool still has
    std::uint64_t end_offset = 0;    // of what is in the spool
    std::string session_id;
    bool operator==(const welcome&) const = default;
};
struct written {
    std::uint64_t sequence = 0;
    bool operator==(const written&) const = default;
};
enum class refusal : std::uint8_t { claude_gone = 1, queue_full = 2, ending = 3, bad_line = 4 };
struct refused {
    std::uint64_t sequence = 0;
    refusal reason = refusal::claude_gone;
    bool operator==(const refused&) const = default;
};
struct position {
    std::uint64_t end_offset = 0;
    bool operator==(const position&) const = default;
};
struct trouble {
    std::string text;  // empty: well again
    bool operator==(const trouble&) const = default;
};
enum class exit_kind : std::uint8_t { code = 0, signal = 1 };
struct exited {
    exit_kind kind = exit_kind::code;
    std::uint32_t value = 0;
    std::uint64_t end_offset = 0;  // of all that claude ever printed
    std::string stderr_tail;
    bool operator==(const exited&) const = default;
};
struct released {
    bool operator==(const released&) const = default;
};
enum class fault_code : std::uint8_t { incompatible = 1, malformed = 2, replaced = 3, not_ended = 4 };
struct fault {  // the last message on a connection
    fault_code code = fault_code::malformed;
    std::string text;
    bool operator==(const fault&) const = default;
};
// A type that this version does not know: a later minor version's, to be ignored.
struct unknown {
    std::uint8_t type = 0;
    bool operator==(const unknown&) const = default;
};

using message = std::variant<hello, input_line, acknowledge, end, release, welcome, written, refused, position, trouble,
                             exited, released, fault, unknown>;

// The whole frame, length first.
std::string encode(const message& m);

struct protocol_fault {
    std::string text;
};

// Cuts a byte stream into messages. Holds at most one frame plus one feed.
class frame_reader {
public:
    explicit frame_reader(std::size_t frame_bytes_limit = frame_bytes_max) : limit_(frame_bytes_limit) {}

    void feed(std::string_view bytes);
    // The next whole message; nullopt when more bytes are needed. After a fault the stream is useless.
    std::expected<std::optional<message>, protocol_fault> next();

private:
    std::size_t limit_;
    std::string buffer_;
    std::size_t consumed_ = 0;
};

}  // namespace agent::hold
