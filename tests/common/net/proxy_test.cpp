#include "common/net/proxy.hpp"

#include <map>

#include <gtest/gtest.h>

#include "common/net/connector.hpp"

namespace {
using namespace common::net;

environment variables(std::map<std::string, std::string> values) {
    return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
        const auto found = values.find(name);
        if (found == values.end()) return std::nullopt;
        return found->second;
    };
}

bool is_direct(const std::string& url, const std::string& no_proxy) {
    return !proxy_for(url, variables({{"HTTPS_PROXY", "http://proxy:3128"}, {"NO_PROXY", no_proxy}}));
}

TEST(proxy, is_chosen_by_scheme) {
    const auto env = variables({{"HTTPS_PROXY", "http://secure:1"}, {"http_proxy", "http://plain:2"}});
    EXPECT_EQ(proxy_for("https://h/x", env)->host, "secure");
    EXPECT_EQ(proxy_for("wss://h/x", env)->port, 1);
    EXPECT_EQ(proxy_for("http://h/x", env)->host, "plain");
    EXPECT_EQ(proxy_for("ws://h/x", env)->port, 2);
    EXPECT_FALSE(proxy_for("https://h/x", variables({})));
    EXPECT_FALSE(proxy_for("ftp://h/x", env));
    EXPECT_FALSE(proxy_for("nonsense", env));
}

TEST(proxy, reads_http_proxy_in_lower_case_only) {
    EXPECT_FALSE(proxy_for("http://h/", variables({{"HTTP_PROXY", "http://p:1"}})));
}

TEST(proxy, lower_case_goes_before_upper_case) {
    EXPECT_EQ(proxy_for("https://h/", variables({{"https_proxy", "http://a:1"}, {"HTTPS_PROXY", "http://b:1"}}))->host,
              "a");
}

TEST(proxy, understands_what_people_write) {
    const auto parse = [](const std::string& value) {
        return proxy_for("https://h/", variables({{"https_proxy", value}}));
    };
    EXPECT_EQ(*parse("proxy.example:3128"), (proxy_address{"proxy.example", 3128, ""}));
    EXPECT_EQ(*parse("http://proxy.example"), (proxy_address{"proxy.example", 80, ""}));
    EXPECT_EQ(*parse("http://user:p%40ss@proxy:8080/"), (proxy_address{"proxy", 8080, "user:p@ss"}));
    EXPECT_EQ(*parse("http://[::1]:3128"), (proxy_address{"::1", 3128, ""}));
    EXPECT_FALSE(parse("socks5://proxy:1080"));
    EXPECT_FALSE(parse("http://"));
    EXPECT_FALSE(parse(""));
}

TEST(proxy, no_proxy_names_hosts_domains_addresses_and_networks) {
    EXPECT_TRUE(is_direct("https://hub.example/", "hub.example"));
    EXPECT_TRUE(is_direct("https://HUB.example/", "other, Hub.Example"));
    EXPECT_TRUE(is_direct("https://a.example.com/", "example.com"));
    EXPECT_TRUE(is_direct("https://a.example.com/", ".example.com"));
    EXPECT_TRUE(is_direct("https://a.example.com/", "*.example.com"));
    EXPECT_FALSE(is_direct("https://badexample.com/", "example.com"));
    EXPECT_TRUE(is_direct("https://anything/", "*"));
    EXPECT_TRUE(is_direct("https://10.1.2.3/", "10.0.0.0/8"));
    EXPECT_FALSE(is_direct("https://11.1.2.3/", "10.0.0.0/8"));
    EXPECT_TRUE(is_direct("https://[fd00::5]/", "fd00::/8"));
    EXPECT_TRUE(is_direct("https://[::1]/", "::1"));
    EXPECT_TRUE(is_direct("https://[::1]:8443/", "[::1]:8443"));
    EXPECT_TRUE(is_direct("https://hub:8443/", "hub:8443"));
    EXPECT_FALSE(is_direct("https://hub:8444/", "hub:8443"));
    EXPECT_FALSE(is_direct("https://hub/", ",, ,"));
    EXPECT_FALSE(is_direct("https://hub/", "10.0.0.0/99,/,[,:"));
}

TEST(parse_target, takes_urls_apart) {
    const auto target = parse_target("https://hub.example:8443/a/b?c=d#frag", "http");
    ASSERT_TRUE(target);
    EXPECT_TRUE(target->tls);
    EXPECT_EQ(target->host, "hub.example");
    EXPECT_EQ(target->port, 8443);
    EXPECT_EQ(target->host_field, "hub.example:8443");
    EXPECT_EQ(target->path_query, "/a/b?c=d");
    EXPECT_EQ(parse_target("wss://h", "ws")->path_query, "/");
    EXPECT_EQ(parse_target("wss://h?x", "ws")->path_query, "/?x");
    EXPECT_EQ(parse_target("ws://h", "ws")->port, 80);
    const auto ipv6 = parse_target("ws://[::1]:80/", "ws");
    EXPECT_EQ(ipv6->host, "::1");
    EXPECT_EQ(ipv6->host_field, "[::1]:80");
}

TEST(parse_target, refuses_what_it_cannot_dial) {
    for (const auto* url : {"", "hub", "hub:80", "ftp://h/", "https://h/", "ws://", "ws://u:p@h/", "ws://h:0/",
                            "ws://h:99999/", "ws://h/a b", "ws://h/\r\nX: y"}) {
        const auto target = parse_target(url, "ws");
        ASSERT_FALSE(target) << url;
        EXPECT_EQ(target.error().kind, connect_failure::invalid_url);
    }
}

}  // namespace
