// Which Host and Origin a hub answers.
#include "common/net/origin_policy.hpp"

#include <gtest/gtest.h>

namespace common::net {
namespace {

http_request request(const std::vector<std::pair<std::string, std::string>>& fields, bool loopback = false) {
    http_request out;
    out.peer_is_loopback = loopback;
    for (const auto& [name, value] : fields) out.fields.add(name, value);
    return out;
}

bool host(const origin_policy& p, const std::string& value, bool loopback = false) {
    return p.accepts_host(request({{"Host", value}}, loopback));
}

bool origin(const origin_policy& p, const std::string& value, bool loopback = false) {
    return p.accepts_origin(request({{"Origin", value}}, loopback));
}

TEST(origin_policy, the_public_host_only) {
    const origin_policy p("https://Hub.example.com", {});
    EXPECT_TRUE(host(p, "hub.example.com"));
    EXPECT_TRUE(host(p, "HUB.EXAMPLE.COM"));
    for (const char* other : {"", "example.com", "hub.example.com.evil.org", "evil.org", "hub.example.com@evil.org",
                              "127.0.0.1", "localhost", "hub.example.com:8443", " hub.example.com", "192.0.2.1"})
        EXPECT_FALSE(host(p, other)) << other;
}

TEST(origin_policy, a_schemes_own_port_says_nothing) {
    const origin_policy plain("https://hub.example.com", {});
    EXPECT_TRUE(host(plain, "hub.example.com:443"));
    EXPECT_FALSE(host(plain, "hub.example.com:80"));
    EXPECT_TRUE(origin(plain, "https://hub.example.com:443"));
    const origin_policy spelled("https://hub.example.com:443", {});
    EXPECT_TRUE(host(spelled, "hub.example.com"));
    EXPECT_TRUE(origin(spelled, "https://hub.example.com"));
    const origin_policy insecure("http://hub.example.com:80", {"https://app.example.com:443"});
    EXPECT_TRUE(host(insecure, "hub.example.com"));
    EXPECT_FALSE(host(insecure, "hub.example.com:443"));
    EXPECT_TRUE(origin(insecure, "https://app.example.com"));
}

TEST(origin_policy, a_port_of_its_own_belongs_to_the_host) {
    const origin_policy p("https://hub.example.com:8443", {});
    EXPECT_TRUE(host(p, "hub.example.com:8443"));
    EXPECT_FALSE(host(p, "hub.example.com"));
}

TEST(origin_policy, exactly_one_host) {
    const origin_policy p("https://hub.example.com", {});
    EXPECT_FALSE(p.accepts_host(request({})));
    EXPECT_FALSE(p.accepts_host(request({{"Host", "hub.example.com"}, {"host", "hub.example.com"}})));
}

TEST(origin_policy, loopback_names_only_from_loopback_peers) {
    const origin_policy p("https://hub.example.com", {});
    for (const char* name : {"127.0.0.1", "127.0.0.1:4096", "localhost", "localhost:4096", "[::1]", "[::1]:4096"}) {
        EXPECT_TRUE(host(p, name, true)) << name;
        EXPECT_FALSE(host(p, name)) << name;
    }
    // A name that points at the loopback address is how a page of a stranger gets in (DNS rebinding).
    for (const char* name : {"localhost.evil.org", "127.0.0.1.evil.org", "localhost:", "localhost:port",
                             "localhost:123456", "127.0.0.2", "evil.org", "::1"})
        EXPECT_FALSE(host(p, name, true)) << name;
}

TEST(origin_policy, origins) {
    const origin_policy p("https://hub.example.com", {"https://App.example.com", "http://dev.example.com:5173"});
    EXPECT_TRUE(p.accepts_origin(request({}))) << "no browser";
    EXPECT_TRUE(origin(p, "https://hub.example.com"));
    EXPECT_TRUE(origin(p, "https://app.example.com"));
    EXPECT_TRUE(origin(p, "http://dev.example.com:5173"));
    for (const char* other : {"", "null", "http://hub.example.com", "https://evil.org",
                              "https://hub.example.com.evil.org", "https://hub.example.com/",
                              "https://hub.example.com/x", "http://localhost:3000", "hub.example.com", "file://"})
        EXPECT_FALSE(origin(p, other)) << other;
    EXPECT_FALSE(p.accepts_origin(request({{"Origin", "https://hub.example.com"}, {"Origin", "https://evil.org"}})));
}

TEST(origin_policy, pages_of_this_machine_only_from_loopback_peers) {
    const origin_policy p("https://hub.example.com", {});
    for (const char* page : {"http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080"}) {
        EXPECT_TRUE(origin(p, page, true)) << page;
        EXPECT_FALSE(origin(p, page)) << page;
    }
    for (const char* page : {"http://localhost.evil.org", "https://evil.org", "null", "ftp://localhost"})
        EXPECT_FALSE(origin(p, page, true)) << page;
}

}  // namespace
}  // namespace common::net
