// A cursor that is taken has one text only; everything else is refused.
#include "proto/cursor.hpp"
#include "proto/base64url.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

namespace {

void check(std::string_view text) {
    const auto decoded = proto::decode_cursor(text);
    if (decoded) require(proto::encode_cursor(*decoded) == text);
}

}  // namespace

void run(std::string_view input) {
    check(input);
    // As if somebody had written the inside of one.
    check(proto::base64url_encode(input));
    const auto bytes = proto::base64url_decode(input);
    if (bytes) require(proto::base64url_encode(*bytes) == input);
}

}  // namespace fuzz
