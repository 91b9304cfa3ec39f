#include "common/net/freshness.hpp"

#include <gtest/gtest.h>

namespace {
using namespace common::net;
using namespace std::chrono_literals;

TEST(freshness, is_what_the_server_says_within_bounds) {
    const std::chrono::system_clock::time_point now{std::chrono::seconds(1'800'000'000)};
    const auto lifetime = [&](const http_fields& fields) { return common::net::freshness(fields, now, {300s, 24h}); };
    EXPECT_EQ(lifetime({}), 300s);
    EXPECT_EQ(lifetime({{"Cache-Control", "max-age=1000"}}), 1000s);
    EXPECT_EQ(lifetime({{"cache-control", "public, Max-Age=1000, must-revalidate"}}), 1000s);
    EXPECT_EQ(lifetime({{"Cache-Control", "max-age=0"}}), 300s);
    EXPECT_EQ(lifetime({{"Cache-Control", "no-store"}}), 300s);
    EXPECT_EQ(lifetime({{"Cache-Control", "s-maxage=1000"}}), 300s);
    EXPECT_EQ(lifetime({{"Cache-Control", "max-age=-5"}}), 300s);
    EXPECT_EQ(lifetime({{"Cache-Control", "max-age=x"}}), 300s);
    EXPECT_EQ(lifetime({{"Cache-Control", "max-age=99999999"}}), 24h);
    EXPECT_EQ(lifetime({{"Cache-Control", "max-age=99999999999999999999999"}}), 24h);
    EXPECT_EQ(lifetime({{"Expires", "Fri, 15 Jan 2027 08:16:40 GMT"}}), 1000s);
    EXPECT_EQ(lifetime({{"Expires", "Fri, 15 Jan 2027 07:00:00 GMT"}}), 300s);
    EXPECT_EQ(lifetime({{"Expires", "0"}}), 300s);
    EXPECT_EQ(lifetime({{"Expires", "Fri, 15 Jan 2038 08:16:40 GMT"}}), 24h);
    EXPECT_EQ(lifetime({{"Cache-Control", "max-age=400"}, {"Expires", "Fri, 15 Jan 2027 08:16:40 GMT"}}), 400s);
}

}  // namespace
