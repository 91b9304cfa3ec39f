// What a file is by its beginning, and what it may be called.
#include "agent/uploads/media_type.hpp"

#include <gtest/gtest.h>

namespace agent::uploads {
namespace {

using namespace std::string_literals;

TEST(media_type, is_what_the_bytes_say) {
    EXPECT_EQ(media_type_of("\x89PNG\r\n\x1a\n\0\0"s), "image/png");
    EXPECT_EQ(media_type_of("\xff\xd8\xff\xe0"), "image/jpeg");
    EXPECT_EQ(media_type_of("GIF89a"), "image/gif");
    EXPECT_EQ(media_type_of("GIF87a"), "image/gif");
    EXPECT_EQ(media_type_of("RIFF\1\2\3\4WEBPVP8 "), "image/webp");
    EXPECT_EQ(media_type_of("%PDF-1.7"), "application/pdf");
    for (const std::string& other : {""s, "RIFF"s, "RIFF\1\2\3\4WAVE"s, "\x89PN"s, "<svg>"s, "GIF88a"s})
        EXPECT_EQ(media_type_of(other), "application/octet-stream") << other;
    EXPECT_TRUE(is_image("image/png"));
    EXPECT_FALSE(is_image("application/pdf"));
}

TEST(safe_name, stays_in_its_directory) {
    EXPECT_EQ(safe_name("photo.png"), "photo.png");
    EXPECT_EQ(safe_name("../../etc/passwd"), "passwd");
    EXPECT_EQ(safe_name("C:\\temp\\a b.txt"), "a_b.txt");
    EXPECT_EQ(safe_name("dir/"), "file");
    EXPECT_EQ(safe_name(""), "file");
    EXPECT_EQ(safe_name(".."), "_.");
    EXPECT_EQ(safe_name("."), "_");
    EXPECT_EQ(safe_name(".bashrc"), "_bashrc");
    EXPECT_EQ(safe_name("-rf"), "_rf");
    EXPECT_EQ(safe_name("a\n\0b"s), "a__b");
    EXPECT_EQ(safe_name("a`$(x)`"), "a___x__");
    EXPECT_EQ(safe_name(std::string(300, 'x') + ".png"), std::string(96, 'x') + ".png");
}

}  // namespace
}  // namespace agent::uploads
