#include "proto/base64url.hpp"

#include <gtest/gtest.h>

namespace proto {
namespace {

TEST(base64url, matches_the_vectors_of_rfc_4648) {
    const std::pair<const char*, const char*> vectors[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, text] : vectors) {
        EXPECT_EQ(base64url_encode(plain), text);
        EXPECT_EQ(base64url_decode(text), plain);
    }
}

TEST(base64url, carries_every_byte) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    for (std::size_t length = 0; length <= bytes.size(); ++length)
        EXPECT_EQ(base64url_decode(base64url_encode(bytes.substr(0, length))), bytes.substr(0, length));
    EXPECT_EQ(base64url_encode("\xFB\xFF"), "-_8");
}

TEST(base64url, refuses_everything_that_it_would_not_write) {
    for (const auto* text : {"Zg==", "Z", "Zm9vY", "Zg\n", "Z g", "+/8", "Zh", "Zm9", "\xC3\xA9"})
        EXPECT_EQ(base64url_decode(text), std::nullopt) << text;
}

}  // namespace
}  // namespace proto
