#include "common/net/fetch_guard.hpp"

#include <gtest/gtest.h>

#include "tests/common/net/test_server.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using namespace std::chrono_literals;

asio::ip::address address(std::string_view text) { return asio::ip::make_address(std::string(text)); }

TEST(fetch_place, is_a_host_and_a_port) {
    EXPECT_EQ(parse_fetch_place("IDP.example.com:8443"), (fetch_place{"idp.example.com", 8443}));
    EXPECT_EQ(parse_fetch_place("[fd00::1]:443"), (fetch_place{"fd00::1", 443}));
    EXPECT_EQ(parse_fetch_place("127.0.0.1:9000"), (fetch_place{"127.0.0.1", 9000}));
    for (const auto* text : {"", "host", "host:", ":443", "host:0", "host:65536", "host:80x", "https://host:443",
                             "[::1]", "::1:443", "user@host:443", "host:443/path", "*:443", "*.example.com:443"})
        EXPECT_EQ(parse_fetch_place(text), std::nullopt) << text;
}

using names = std::map<std::string, std::vector<const char*>, std::less<>>;

// Every name that is not listed has a public address.
name_lookup resolver(names known, std::vector<std::string>* asked = nullptr) {
    struct table {
        names known;
        std::vector<std::string>* asked;
        static asio::awaitable<std::expected<addresses, connect_error>> find(std::shared_ptr<table> self,
                                                                             std::string name) {
            if (self->asked) self->asked->push_back(name);
            boost::system::error_code ec;
            const auto literal = asio::ip::make_address(name, ec);
            if (!ec) co_return addresses{literal};
            addresses found;
            const auto entry = self->known.find(name);
            if (entry == self->known.end()) co_return addresses{address("1.1.1.1")};
            for (const auto* text : entry->second) found.push_back(address(text));
            co_return found;
        }
    };
    const auto shared = std::make_shared<table>(std::move(known), asked);
    return [shared](std::string name, std::chrono::steady_clock::time_point) {
        return table::find(shared, std::move(name));
    };
}

std::shared_ptr<fetch_guard> guard_with(names known, std::vector<std::string>* asked = nullptr) {
    auto guard = std::make_shared<fetch_guard>();
    guard->look_up = resolver(std::move(known), asked);
    return guard;
}

// What a fetch of the URL does before it dials.
std::expected<addresses, connect_error> judge(std::string_view url, const std::shared_ptr<const fetch_guard>& guard) {
    auto target = parse_guarded_target(url, *guard);
    if (!target) return std::unexpected(std::move(target.error()));
    return test::run_alone(find_guarded_addresses(guard, *target, std::chrono::steady_clock::now() + 3s));
}

TEST(fetch_guard, no_url_leads_inside) {
    const auto guard = guard_with({{"localhost", {"127.0.0.1", "::1"}},
                                   {"ip6-localhost", {"::1"}},
                                   {"10.0.0.5.nip.io", {"10.0.0.5"}},
                                   {"169.254.169.254.example.com", {"169.254.169.254"}},
                                   {"metadata.google.internal", {"169.254.169.254"}},
                                   {"both.example", {"1.1.1.1", "192.168.1.1"}},
                                   {"both-v6.example", {"1.1.1.1", "::1"}},
                                   {"last.example",
                                    {"1.1.1.1", "1.0.0.1", "8.8.8.8", "9.9.9.9", "1.1.1.2", "1.1.1.3", "1.1.1.4",
                                     "1.1.1.5", "1.1.1.6", "10.0.0.1"}},
                                   {"mapped.example", {"::ffff:169.254.169.254"}},
                                   {"nat64.example", {"64:ff9b::a9fe:a9fe"}},
                                   {"xn--oor0d.example", {"127.0.0.1"}}});
    for (const auto* url : {
             // Addresses, in every spelling that some parser takes.
             "https://127.0.0.1/x",
             "https://127.1/x",
             "https://127.0.1/x",
             "https://2130706433/x",
             "https://0x7f000001/x",
             "https://0x7f.0.0.1/x",
             "https://0X7F.1/x",
             "https://0177.0.0.1/x",
             "https://017700000001/x",
             "https://127.0.0.01/x",
             "https://127.0.0.0x1/x",
             "https://127.0.0.1./x",
             "https://0/x",
             "https://0.0.0.0/x",
             "https://127.0.0.256/x",
             "https://1.1.1.1.1/x",
             "https://10.0.0.5/x",
             "https://172.16.0.1/x",
             "https://192.168.0.1/x",
             "https://169.254.169.254/latest/meta-data",
             "https://100.100.100.200/x",
             "https://255.255.255.255/x",
             "https://[::1]/x",
             "https://[::]/x",
             "https://[0:0:0:0:0:0:0:1]/x",
             "https://[::ffff:127.0.0.1]/x",
             "https://[::ffff:7f00:1]/x",
             "https://[::ffff:169.254.169.254]/x",
             "https://[::127.0.0.1]/x",
             "https://[64:ff9b::7f00:1]/x",
             "https://[64:ff9b:1::1]/x",
             "https://[2002:7f00:1::]/x",
             "https://[2001:0:7f00:1::]/x",
             "https://[fe80::1]/x",
             "https://[fe80::1%25lo]/x",
             "https://[fe80::1%lo]/x",
             "https://[fd00::1]/x",
             "https://[ff02::1]/x",
             "https://[::1/x",
             "https://::1/x",
             "https://[127.0.0.1]/x",
             "https://[v1.127.0.0.1]/x",
             // Names.
             "https://localhost/x",
             "https://LOCALHOST/x",
             "https://localhost./x",
             "https://ip6-localhost/x",
             "https://10.0.0.5.nip.io/x",
             "https://169.254.169.254.example.com/x",
             "https://metadata.google.internal/x",
             "https://both.example/x",
             "https://both-v6.example/x",
             "https://last.example/x",
             "https://mapped.example/x",
             "https://nat64.example/x",
             "https://xn--oor0d.example/x",
             "https://b\xc3\xbc"
             "cher.example/x",
             "https://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/x",
             "https://loc%61lhost/x",
             "https://%6c/x",
             "https:///x",
             "https://./x",
             "https://.example/x",
             "https://a..b/x",
             "https://-a.example/x",
             "https://a.example,b/x",
             // Users, and other ways to write a host that is not the host.
             "https://example.com@127.0.0.1/x",
             "https://127.0.0.1@example.com/x",
             "https://user:pass@example.com/x",
             "https://example.com:443@127.0.0.1/x",
             "https://@example.com/x",
             "https://example.com\\@127.0.0.1/x",
             "https:\\\\127.0.0.1\\x",
             "https://example.com#@127.0.0.1/x",
             "https://example.com/x#f",
             "https:example.com/x",
             "https:/example.com/x",
             "https:////example.com/x",
             // Ports and schemes.
             "https://example.com:22/x",
             "https://example.com:80/x",
             "https://example.com:8443/x",
             "https://example.com:/x",
             "https://example.com:0/x",
             "https://example.com:65979/x",
             "https://example.com:0443/x",
             "https://example.com:+443/x",
             "https://example.com:443:443/x",
             "http://example.com/x",
             "HTTP://example.com/x",
             "ftp://example.com/x",
             "file:///etc/passwd",
             "gopher://127.0.0.1:25/x",
             "//example.com/x",
             "example.com/x",
             "",
             // What would break out of the request.
             "https://example.com/x y",
             "https://example.com/x\r\nHost: evil",
             "https://exa\tmple.com/x",
             "https://example.com/\x7f",
             " https://example.com/x",
         }) {
        const auto found = judge(url, guard);
        EXPECT_FALSE(found) << url;
        if (!found) EXPECT_TRUE(found.error().message.ends_with('.')) << found.error().message;
    }
    EXPECT_FALSE(judge(std::string("https://example.com/\0", 21), guard));
    EXPECT_FALSE(judge("https://example.com/" + std::string(2048, 'a'), guard));
    EXPECT_FALSE(judge("https://" + std::string(64, 'a') + ".example/", guard));
    const auto inside = judge("https://10.0.0.5.nip.io/x", guard);
    EXPECT_EQ(inside.error().kind, connect_failure::forbidden);
    EXPECT_NE(inside.error().message.find("--allow-fetch-from"), std::string::npos);
}

TEST(fetch_guard, public_ones_are_reached_at_exactly_their_addresses) {
    std::vector<std::string> asked;
    const auto guard = guard_with({{"both.example", {"1.1.1.1", "2606:4700::1111"}}}, &asked);
    EXPECT_EQ(judge("https://both.example/x", guard), (addresses{address("1.1.1.1"), address("2606:4700::1111")}));
    EXPECT_EQ(asked, (std::vector<std::string>{"both.example"}));
    for (const auto* url : {"https://example.com:443/x", "https://1.1.1.1/x", "https://[2606:4700::1111]/x",
                            "https://[::ffff:1.1.1.1]/x", "https://xn--bcher-kva.example/x?y=z"})
        EXPECT_TRUE(judge(url, guard)) << url;
}

TEST(fetch_guard, what_an_operator_allows_is_reached_and_nothing_beside_it) {
    const auto guard = guard_with({{"idp.internal", {"10.0.0.5"}}});
    guard->allowed = {{"idp.internal", 8443}};
    EXPECT_EQ(judge("https://idp.internal:8443/x", guard), (addresses{address("10.0.0.5")}));
    EXPECT_FALSE(judge("https://idp.internal/x", guard));
    EXPECT_FALSE(judge("https://idp.internal:8444/x", guard));
    EXPECT_FALSE(judge("https://10.0.0.5:8443/x", guard));
    EXPECT_FALSE(judge("https://a.idp.internal:8443/x", guard));
    EXPECT_FALSE(judge("http://idp.internal:8443/x", guard));
}

TEST(fetch_guard, the_hub_is_not_sent_to_itself) {
    const auto guard = guard_with({{"hub.example", {"1.1.1.9"}}, {"alias.example", {"1.1.1.9"}}});
    guard->own_names = {"hub.example"};
    EXPECT_FALSE(judge("https://hub.example/x", guard));
    EXPECT_FALSE(judge("https://alias.example/x", guard));
    EXPECT_FALSE(judge("https://1.1.1.9/x", guard));
    EXPECT_TRUE(judge("https://1.1.1.8/x", guard));
}

TEST(fetch_guard, judges_the_peer_once_more) {
    fetch_guard guard;
    const connect_target target{.host = "example.com", .port = 443, .tls = true, .host_field = {}, .path_query = {}};
    EXPECT_TRUE(accepts_peer(guard, target, address("1.1.1.1"), address("1.1.1.1")));
    EXPECT_TRUE(accepts_peer(guard, target, address("::ffff:1.1.1.1"), address("1.1.1.1")));
    EXPECT_FALSE(accepts_peer(guard, target, address("1.1.1.1"), address("1.1.1.2")));
    EXPECT_FALSE(accepts_peer(guard, target, address("127.0.0.1"), address("127.0.0.1")));
    guard.allowed = {{"example.com", 443}};
    EXPECT_TRUE(accepts_peer(guard, target, address("127.0.0.1"), address("127.0.0.1")));
    EXPECT_FALSE(accepts_peer(guard, target, address("127.0.0.1"), address("127.0.0.2")));
}

}  // namespace
