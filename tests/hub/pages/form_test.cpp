#include "hub/pages/form.hpp"

#include <gtest/gtest.h>

namespace hub::pages {
namespace {

TEST(form, fields_are_decoded) {
    const auto f = parse_form("name=Ada+Lovelace&mail=ada%40example.org&empty=&flag&%C3%A9=%e7%8e%8b&a=b=c").value();
    EXPECT_EQ(f.find("name"), "Ada Lovelace");
    EXPECT_EQ(f.find("mail"), "ada@example.org");
    EXPECT_EQ(f.find("empty"), "");
    EXPECT_EQ(f.find("flag"), "");
    EXPECT_EQ(f.find("é"), "王");
    EXPECT_EQ(f.find("a"), "b=c");
    EXPECT_EQ(f.find("absent"), std::nullopt);
    EXPECT_EQ(f.get("absent"), "");
    EXPECT_EQ(f.count("name"), 1U);
    EXPECT_EQ(f.doubled(), std::nullopt);
    EXPECT_EQ(f.all().size(), 6U);
}

TEST(form, nothing_is_no_field) {
    EXPECT_TRUE(parse_form("").value().all().empty());
    EXPECT_TRUE(parse_form("&&").value().all().empty());
    EXPECT_EQ(parse_form("&a=1&").value().all().size(), 1U);
    EXPECT_EQ(parse_form("=x").value().find(""), "x");
}

TEST(form, what_is_not_encoded_utf8_is_refused) {
    for (const char* bad : {"a=%", "a=%4", "a=%zz", "a=%+1", "%", "a=%ff", "a=\xc3", "a=%c0%af", "a=%ed%a0%80",
                            "a=%f5%80%80%80", "a=%00", "a%00=1", "a=%f4%90%80%80", "a=1&b=%9"}) {
        const auto refused = parse_form(bad);
        ASSERT_FALSE(refused) << bad;
        EXPECT_TRUE(refused.error().ends_with("."));
    }
}

TEST(form, doubles_are_refused_or_told) {
    EXPECT_FALSE(parse_form("a=1&b=2&a=1"));
    EXPECT_FALSE(parse_form("a=1&%61=2"));
    const auto f = parse_form_with_doubles("a=1&b=2&%61=3&c=").value();
    EXPECT_EQ(f.count("a"), 2U);
    EXPECT_EQ(f.count("b"), 1U);
    EXPECT_EQ(f.find("a"), "1");
    EXPECT_EQ(f.doubled(), "a");
}

TEST(form, is_bounded) {
    std::string many;
    for (std::size_t i = 0; i < form_fields_max; ++i) many += "f" + std::to_string(i) + "=1&";
    EXPECT_TRUE(parse_form(many));
    EXPECT_FALSE(parse_form(many + "one=more"));
    EXPECT_TRUE(parse_form("a=" + std::string(form_bytes_max - 2, 'x')));
    EXPECT_FALSE(parse_form("a=" + std::string(form_bytes_max - 1, 'x')));
}

TEST(form, a_forms_body_says_so) {
    const auto with = [](std::vector<std::string> types) {
        common::net::http_request request;
        for (auto& type : types) request.fields.add("Content-Type", std::move(type));
        return is_form(request);
    };
    EXPECT_TRUE(with({"application/x-www-form-urlencoded"}));
    EXPECT_TRUE(with({"Application/X-WWW-Form-Urlencoded ; charset=UTF-8"}));
    for (const char* other :
         {"", "text/plain", "application/json", "multipart/form-data", "application/x-www-form-urlencodedx"})
        EXPECT_FALSE(with({other})) << other;
    EXPECT_FALSE(with({}));
    EXPECT_FALSE(with({"application/x-www-form-urlencoded", "text/plain"}));
}

TEST(form, what_is_encoded_comes_back) {
    EXPECT_EQ(encode_component("/a b?c=d&e#é"), "%2Fa%20b%3Fc%3Dd%26e%23%C3%A9");
    const std::string all = "x&y=z+%/?#\"'<>é";
    EXPECT_EQ(parse_form("v=" + encode_component(all)).value().find("v"), all);
}

}  // namespace
}  // namespace hub::pages
