#include "proto/json_scanner.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace proto {
namespace {

bool is_space(unsigned char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

constexpr std::uint64_t every(unsigned char c) { return 0x0101010101010101ULL * c; }

// The high bit of a byte of the answer is set where that byte of `word` is 0; bytes above the first such one may be set
// in error, which only sends us to the slow path early.
constexpr std::uint64_t zero_bytes(std::uint64_t word) { return (word - every(0x01)) & ~word & every(0x80); }

// How many bytes from the start of `text` are printable ASCII that needs no attention inside a string.
std::size_t plain_prefix(std::string_view text) {
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + i, 8);
        const std::uint64_t control = (word - every(0x20)) & ~word & every(0x80);
        if (((word & every(0x80)) | control | zero_bytes(word ^ every('"')) | zero_bytes(word ^ every('\\'))) != 0)
            break;
    }
    for (; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
    }
    return i;
}

}  // namespace

json_scanner::json_scanner(std::uint64_t bytes_max, std::size_t depth_max)
    : bytes_max_(bytes_max), depth_max_(static_cast<std::uint32_t>(std::min<std::size_t>(depth_max, 64))) {}

json_scanner::status json_scanner::fail(std::string_view reason) {
    status_ = status::error;
    reason_ = reason;
    return status_;
}

json_scanner::status json_scanner::feed(std::string_view piece) {
    if (status_ == status::error) return status_;
    if (piece.size() > bytes_max_ - bytes_) return fail("more bytes than allowed");
    bytes_ += piece.size();
    std::size_t i = 0;
    while (i < piece.size()) {
        if (expect_ == expect::string && !low_surrogate_wanted_) {
            i += plain_prefix(piece.substr(i));
            if (i == piece.size()) break;
        }
        if (!step(static_cast<unsigned char>(piece[i]))) return status_;
        ++i;
    }
    return status_;
}

bool json_scanner::step(unsigned char c) {
    switch (expect_) {
        case expect::string:
            if (low_surrogate_wanted_ && c != '\\') return fail("half a surrogate pair"), false;
            if (c == '"') {
                if (string_is_key_)
                    expect_ = expect::colon;
                else
                    value_done();
                return true;
            }
            if (c == '\\') return expect_ = expect::escape, true;
            if (c < 0x20) return fail("a control character in a string"), false;
            return c < 0x80 || start_utf8(c);
        case expect::utf8:
            return step_utf8(c);
        case expect::escape:
        case expect::escape_hex:
            return step_escape(c);
        case expect::number:
            if (step_number(c)) return true;
            if (!number_may_end()) return fail("a malformed number"), false;
            value_done();
            return step(c);  // the byte after the number; at most once, as the state is another now
        case expect::literal:
            if (c != static_cast<unsigned char>(literal_rest_.front())) return fail("a malformed literal"), false;
            literal_rest_.remove_prefix(1);
            if (literal_rest_.empty()) value_done();
            return true;
        default:
            break;
    }
    if (is_space(c)) return true;
    switch (expect_) {
        case expect::object:
            if (c != '{') return fail("not an object"), false;
            return open(true);
        case expect::key_or_close:
            if (c == '}') return close(true);
            [[fallthrough]];
        case expect::key:
            if (c != '"') return fail("a key must be a string"), false;
            string_is_key_ = true;
            expect_ = expect::string;
            return true;
        case expect::colon:
            if (c != ':') return fail("a colon is missing"), false;
            expect_ = expect::value;
            return true;
        case expect::value_or_close:
            if (c == ']') return close(false);
            [[fallthrough]];
        case expect::value:
            return start_value(c);
        case expect::comma_or_close: {
            if (c == '}' || c == ']') return close(c == '}');
            if (c != ',') return fail("a comma is missing"), false;
            const bool in_object = (objects_ >> (depth_ - 1) & 1) != 0;
            expect_ = in_object ? expect::key : expect::value;
            return true;
        }
        default:
            return fail("something follows the object"), false;
    }
}

bool json_scanner::start_value(unsigned char c) {
    switch (c) {
        case '{':
            return open(true);
        case '[':
            return open(false);
        case '"':
            string_is_key_ = false;
            expect_ = expect::string;
            return true;
        case 't':
            literal_rest_ = "rue";
            break;
        case 'f':
            literal_rest_ = "alse";
            break;
        case 'n':
            literal_rest_ = "ull";
            break;
        default:
            if (c != '-' && !is_digit(c)) return fail("a value is missing"), false;
            number_ = c == '-' ? number_at::sign : c == '0' ? number_at::zero : number_at::digits;
            expect_ = expect::number;
            return true;
    }
    expect_ = expect::literal;
    return true;
}

bool json_scanner::open(bool object) {
    if (depth_ == depth_max_) return fail("nested too deeply"), false;
    const std::uint64_t bit = 1ULL << depth_;
    objects_ = object ? objects_ | bit : objects_ & ~bit;
    ++depth_;
    expect_ = object ? expect::key_or_close : expect::value_or_close;
    return true;
}

bool json_scanner::close(bool object) {
    const bool is_object = (objects_ >> (depth_ - 1) & 1) != 0;
    if (is_object != object) return fail("brackets do not match"), false;
    --depth_;
    value_done();
    return true;
}

void json_scanner::value_done() {
    if (depth_ > 0) {
        expect_ = expect::comma_or_close;
        return;
    }
    expect_ = expect::end;
    status_ = status::complete;
}

// False if the byte does not belong to the number any more.
bool json_scanner::step_number(unsigned char c) {
    switch (number_) {
        case number_at::sign:
            if (!is_digit(c)) return false;
            number_ = c == '0' ? number_at::zero : number_at::digits;
            return true;
        case number_at::digits:
            if (is_digit(c)) return true;
            [[fallthrough]];
        case number_at::zero:
            if (c == '.') return number_ = number_at::point, true;
            break;
        case number_at::point:
            if (!is_digit(c)) return false;
            number_ = number_at::fraction;
            return true;
        case number_at::fraction:
            if (is_digit(c)) return true;
            break;
        case number_at::exponent:
            if (c == '+' || c == '-') return number_ = number_at::exponent_sign, true;
            [[fallthrough]];
        case number_at::exponent_sign:
            if (!is_digit(c)) return false;
            number_ = number_at::exponent_digits;
            return true;
        case number_at::exponent_digits:
            return is_digit(c);
    }
    if (c != 'e' && c != 'E') return false;
    number_ = number_at::exponent;
    return true;
}

bool json_scanner::number_may_end() const {
    return number_ == number_at::zero || number_ == number_at::digits || number_ == number_at::fraction ||
           number_ == number_at::exponent_digits;
}

// RFC 3629 §4: the second byte's range rules out overlong forms, surrogates and what is above U+10FFFF.
bool json_scanner::start_utf8(unsigned char c) {
    if (c < 0xC2 || c > 0xF4) return fail("invalid UTF-8"), false;
    utf8_rest_ = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    utf8_low_ = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    utf8_high_ = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    expect_ = expect::utf8;
    return true;
}

bool json_scanner::step_utf8(unsigned char c) {
    if (c < utf8_low_ || c > utf8_high_) return fail("invalid UTF-8"), false;
    utf8_low_ = 0x80;
    utf8_high_ = 0xBF;
    if (--utf8_rest_ == 0) expect_ = expect::string;
    return true;
}

bool json_scanner::step_escape(unsigned char c) {
    if (expect_ == expect::escape) {
        if (c == 'u') {
            expect_ = expect::escape_hex;
            escape_digits_ = 0;
            escape_value_ = 0;
            return true;
        }
        if (low_surrogate_wanted_) return fail("half a surrogate pair"), false;
        if (std::string_view("\"\\/bfnrt").find(static_cast<char>(c)) == std::string_view::npos)
            return fail("an unknown escape"), false;
        expect_ = expect::string;
        return true;
    }
    const unsigned char lower = c | 0x20;
    const bool letter = lower >= 'a' && lower <= 'f';
    if (!is_digit(c) && !letter) return fail("a malformed \\u escape"), false;
    const unsigned digit = letter ? lower - 'a' + 10U : c - '0' + 0U;
    escape_value_ = static_cast<std::uint16_t>((escape_value_ << 4 | digit) & 0xFFFF);
    if (++escape_digits_ < 4) return true;
    const bool high = escape_value_ >= 0xD800 && escape_value_ <= 0xDBFF;
    const bool low = escape_value_ >= 0xDC00 && escape_value_ <= 0xDFFF;
    if (low != low_surrogate_wanted_) return fail("half a surrogate pair"), false;
    low_surrogate_wanted_ = high;
    expect_ = expect::string;
    return true;
}

bool is_json_object(std::string_view text, std::uint64_t bytes_max) {
    json_scanner scanner(bytes_max);
    return scanner.feed(text) == json_scanner::status::complete;
}

}  // namespace proto
