#include "agent/hold/protocol.hpp"

#include <concepts>

namespace agent::hold {
namespace {

enum class type : std::uint8_t {
    hello = 0x01,
    write = 0x02,
    acknowledge = 0x03,
    end = 0x04,
    release = 0x05,
    welcome = 0x81,
    written = 0x82,
    refused = 0x83,
    position = 0x84,
    trouble = 0x85,
    exited = 0x86,
    released = 0x87,
    fault = 0x88,
};

class payload_writer {
public:
    explicit payload_writer(type t) : bytes_(4, '\0') { number(static_cast<std::uint8_t>(t)); }

    template <std::unsigned_integral Integer>
    payload_writer& number(Integer value) {
        for (int shift = static_cast<int>(sizeof(Integer)) * 8 - 8; shift >= 0; shift -= 8)
            bytes_.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift));
        return *this;
    }
    payload_writer& rest(std::string_view text) {
        bytes_.append(text);
        return *this;
    }
    std::string done() {
        const auto length = static_cast<std::uint32_t>(bytes_.size() - 4);
        for (std::size_t i = 0; i < 4; ++i) bytes_[i] = static_cast<char>(length >> (24 - 8 * i));
        return std::move(bytes_);
    }

private:
    std::string bytes_;
};

struct encoder {
    std::string operator()(const hello& m) const {
        return payload_writer(type::hello).number(m.major_min).number(m.major_max).number(m.minor).done();
    }
    std::string operator()(const input_line& m) const {
        return payload_writer(type::write).number(m.sequence).rest(m.line).done();
    }
    std::string operator()(const acknowledge& m) const {
        return payload_writer(type::acknowledge).number(m.offset).done();
    }
    std::string operator()(const end& m) const { return payload_writer(type::end).number(m.grace_ms).done(); }
    std::string operator()(const release&) const { return payload_writer(type::release).done(); }
    std::string operator()(const welcome& m) const {
        return payload_writer(type::welcome)
            .number(m.major)
            .number(m.minor)
            .number(m.holder_pid)
            .number(m.claude_pid)
            .number(m.first_offset)
            .number(m.end_offset)
            .rest(m.session_id)
            .done();
    }
    std::string operator()(const written& m) const { return payload_writer(type::written).number(m.sequence).done(); }
    std::string operator()(const refused& m) const {
        return payload_writer(type::refused).number(m.sequence).number(static_cast<std::uint8_t>(m.reason)).done();
    }
    std::string operator()(const position& m) const {
        return payload_writer(type::position).number(m.end_offset).done();
    }
    std::string operator()(const trouble& m) const { return payload_writer(type::trouble).rest(m.text).done(); }
    std::string operator()(const exited& m) const {
        return payload_writer(type::exited)
            .number(static_cast<std::uint8_t>(m.kind))
            .number(m.value)
            .number(m.end_offset)
            .rest(m.stderr_tail)
            .done();
    }
    std::string operator()(const released&) const { return payload_writer(type::released).done(); }
    std::string operator()(const fault& m) const {
        return payload_writer(type::fault).number(static_cast<std::uint8_t>(m.code)).rest(m.text).done();
    }
    std::string operator()(const unknown&) const { return {}; }
};

// Reads numbers from the front; a payload that is too short leaves it in the failed state.
class payload_reader {
public:
    explicit payload_reader(std::string_view bytes) : bytes_(bytes) {}

    template <std::unsigned_integral Integer>
    void number(Integer& value) {
        if (bytes_.size() < sizeof(Integer)) {
            failed_ = true;
            return;
        }
        std::uint64_t wide = 0;
        for (std::size_t i = 0; i < sizeof(Integer); ++i) wide = wide << 8 | static_cast<unsigned char>(bytes_[i]);
        value = static_cast<Integer>(wide);
        bytes_.remove_prefix(sizeof(Integer));
    }
    template <class Enumeration>
    void choice(Enumeration& value, Enumeration last) {
        std::uint8_t raw = 0;
        number(raw);
        if (raw > static_cast<std::uint8_t>(last)) failed_ = true;
        value = static_cast<Enumeration>(raw);
    }
    void rest(std::string& text, std::size_t limit) {
        if (bytes_.size() > limit) {
            failed_ = true;
            return;
        }
        text = bytes_;
        bytes_ = {};
    }
    bool failed() const { return failed_; }

private:
    std::string_view bytes_;
    bool failed_ = false;
};

std::optional<message> decode(std::uint8_t raw_type, std::string_view payload) {
    payload_reader in(payload);
    message out;
    switch (static_cast<type>(raw_type)) {
        case type::hello: {
            auto& m = out.emplace<hello>();
            in.number(m.major_min), in.number(m.major_max), in.number(m.minor);
            break;
        }
        case type::write: {
            auto& m = out.emplace<input_line>();
            in.number(m.sequence), in.rest(m.line, line_bytes_max);
            break;
        }
        case type::acknowledge:
            in.number(out.emplace<acknowledge>().offset);
            break;
        case type::end:
            in.number(out.emplace<end>().grace_ms);
            break;
        case type::release:
            out.emplace<release>();
            break;
        case type::welcome: {
            auto& m = out.emplace<welcome>();
            in.number(m.major), in.number(m.minor), in.number(m.holder_pid), in.number(m.claude_pid);
            in.number(m.first_offset), in.number(m.end_offset), in.rest(m.session_id, text_bytes_max);
            break;
        }
        case type::written:
            in.number(out.emplace<written>().sequence);
            break;
        case type::refused: {
            auto& m = out.emplace<refused>();
            in.number(m.sequence), in.choice(m.reason, refusal::bad_line);
            break;
        }
        case type::position:
            in.number(out.emplace<position>().end_offset);
            break;
        case type::trouble:
            in.rest(out.emplace<trouble>().text, text_bytes_max);
            break;
        case type::exited: {
            auto& m = out.emplace<exited>();
            in.choice(m.kind, exit_kind::signal), in.number(m.value), in.number(m.end_offset);
            in.rest(m.stderr_tail, text_bytes_max);
            break;
        }
        case type::released:
            out.emplace<released>();
            break;
        case type::fault: {
            auto& m = out.emplace<fault>();
            in.choice(m.code, fault_code::not_ended), in.rest(m.text, text_bytes_max);
            break;
        }
        default:
            out.emplace<unknown>(unknown{raw_type});
            break;
    }
    // Bytes that are left over belong to members that a later minor version appended.
    if (in.failed()) return std::nullopt;
    return out;
}

}  // namespace

std::string encode(const message& m) { return std::visit(encoder{}, m); }

void frame_reader::feed(std::string_view bytes) {
    if (consumed_ > 0) {
        buffer_.erase(0, consumed_);
        consumed_ = 0;
    }
    buffer_.append(bytes);
}

std::expected<std::optional<message>, protocol_fault> frame_reader::next() {
    const auto waiting = std::string_view(buffer_).substr(consumed_);
    if (waiting.size() < 4) return std::nullopt;
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(waiting[i]);
    if (length == 0) return std::unexpected(protocol_fault{"A message of length 0 has no type."});
    if (length > limit_) return std::unexpected(protocol_fault{"A message is longer than this protocol allows."});
    if (waiting.size() < 4 + length) return std::nullopt;

    const auto type_byte = static_cast<std::uint8_t>(waiting[4]);
    auto decoded = decode(type_byte, waiting.substr(5, length - 1));
    if (!decoded) return std::unexpected(protocol_fault{"A message has too few bytes or a value out of range."});
    consumed_ += 4 + length;
    if (consumed_ == buffer_.size()) {
        // A prompt of megabytes must not stay allocated for the rest of the session.
        if (buffer_.capacity() > (64u << 10)) std::string().swap(buffer_);
        buffer_.clear();
        consumed_ = 0;
    }
    return decoded;
}

}  // namespace agent::hold
