// An incremental structural check of JSON that is passed on without being parsed: however the pieces are cut, what it
// accepted is exactly one JSON object (RFC 8259) in valid UTF-8 (RFC 3629), with no raw control character in strings and
// bounded depth and size. So a hostile machine cannot smuggle a second message into a client's stream.
// No allocation, no exceptions. Plain value, no thread affinity. Duplicate keys are not looked for.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/limits.hpp"

namespace proto {

class json_scanner {
public:
    enum class status : std::uint8_t {
        more,      // well-formed so far
        complete,  // the object is closed; only white space may follow
        error,     // for good: see reason()
    };

    explicit json_scanner(std::uint64_t bytes_max = limits::result_bytes_max,
                          std::size_t depth_max = limits::json_depth_max);

    // The next piece, cut anywhere, even inside a character or an escape.
    status feed(std::string_view piece);

    status state() const { return status_; }
    // A sentence's end, e.g. "a control character in a string"; empty without error.
    std::string_view reason() const { return reason_; }
    std::uint64_t bytes() const { return bytes_; }

private:
    // What the next byte may be.
    enum class expect : std::uint8_t {
        object,        // the first '{'
        key_or_close,  // after '{'
        key,           // after ',' in an object
        colon,
        value,
        value_or_close,  // after '['
        comma_or_close,
        string,
        escape,
        escape_hex,
        utf8,
        number,
        literal,
        end,
    };
    enum class number_at : std::uint8_t {
        sign,
        zero,
        digits,
        point,
        fraction,
        exponent,
        exponent_sign,
        exponent_digits
    };

    status fail(std::string_view reason);
    bool step(unsigned char c);
    bool step_number(unsigned char c);
    bool step_utf8(unsigned char c);
    bool step_escape(unsigned char c);
    bool start_value(unsigned char c);
    bool open(bool object);
    bool close(bool object);
    bool start_utf8(unsigned char c);
    void value_done();
    bool number_may_end() const;

    std::uint64_t bytes_ = 0;
    std::uint64_t bytes_max_;
    std::uint64_t objects_ = 0;  // bit i: the container at depth i is an object, else an array
    std::string_view reason_;
    std::string_view literal_rest_;
    std::uint32_t depth_ = 0;
    std::uint32_t depth_max_;
    std::uint16_t escape_value_ = 0;
    status status_ = status::more;
    expect expect_ = expect::object;
    number_at number_ = number_at::sign;
    bool string_is_key_ = false;
    bool low_surrogate_wanted_ = false;  // after \uD800–\uDBFF only \uDC00–\uDFFF may follow
    std::uint8_t escape_digits_ = 0;
    std::uint8_t utf8_rest_ = 0;
    unsigned char utf8_low_ = 0x80;  // bounds of the next continuation byte (RFC 3629 §4)
    unsigned char utf8_high_ = 0xBF;
};

// The whole text is one JSON object. For what arrives in one piece.
bool is_json_object(std::string_view text, std::uint64_t bytes_max = limits::result_bytes_max);

}  // namespace proto
