// Cookies, and which forms are the hub's own.
#include "hub/people/sessions.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "common/crypto/digest.hpp"
#include "tests/hub/people/people_test.hpp"

namespace hub::people {
namespace {

using fields = std::vector<std::pair<std::string, std::string>>;

common::net::http_request asking(const fields& more, const std::string& method = "POST") {
    common::net::http_request out;
    out.method = method;
    for (const auto& [name, value] : more) out.fields.add(name, value);
    return out;
}

class browser_sessions : public people_test {
protected:
    void SetUp() override {
        people_test::SetUp();
        if (HasFatalFailure()) return;
        sessions_ = std::make_unique<sessions>("https://hub.example.com", *people_, pool_);
    }
    void TearDown() override { pool_.stop(); }

    std::optional<signed_in> find(const fields& more) {
        boost::asio::io_context context;
        std::optional<std::expected<std::optional<signed_in>, tenancy::error>> out;
        const auto asked = asking(more);
        boost::asio::co_spawn(context, sessions_->find(asked), [&](const std::exception_ptr& thrown, auto found) {
            EXPECT_FALSE(thrown);
            out = std::move(found);
        });
        context.run();
        return out.value().value();
    }

    common::async::blocking_pool pool_{1, 8};
    std::unique_ptr<sessions> sessions_;
};

TEST_P(browser_sessions, are_found_by_their_cookie) {
    const auto s = settled();
    const auto who = find({{"Cookie", "a=b; __Host-codez=" + s.secret + "; c=d"}});
    ASSERT_TRUE(who);
    EXPECT_EQ(who->user_id, owner_);
    EXPECT_EQ(who->name, "Ada");
    EXPECT_EQ(who->email, "ada@example.org");
    EXPECT_TRUE(who->session_id.starts_with("b_"));
    EXPECT_EQ(who->authenticated_at, now_);
    EXPECT_EQ(who->form_token.size(), 43U);
    EXPECT_NE(who->form_token, s.secret);
    EXPECT_EQ(find({{"Cookie", "x=y"}, {"cookie", "__Host-codez=" + s.secret}})->form_token, who->form_token);
    EXPECT_NE(find({{"Cookie", "__Host-codez=" + settled().secret}})->form_token, who->form_token);
}

TEST_P(browser_sessions, what_is_no_cookie_of_ours_is_nobody) {
    const auto s = settled().secret;
    EXPECT_FALSE(find({}));
    for (const std::string& cookie :
         {std::string(), std::string("__Host-codez="), "__Host-codez=" + s.substr(1),
          "__Host-codez=" + std::string(43, 'A'), "__Host-codez=" + s + "x", "codez=" + s, "__host-codez=" + s,
          "x__Host-codez=" + s, "__Host-codez2=" + s, "__Host-codez=" + s + "; __Host-codez=" + s,
          "__Host-codez=" + std::string(10'000, 'x')})
        EXPECT_FALSE(find({{"Cookie", cookie}})) << cookie;
    EXPECT_FALSE(find({{"Cookie", "__Host-codez=" + s}, {"Cookie", "__Host-codez=" + std::string(43, 'A')}}));
}

TEST_P(browser_sessions, a_database_that_does_not_answer_is_an_error_not_nobody) {
    pool_.stop();
    boost::asio::io_context context;
    std::optional<std::expected<std::optional<signed_in>, tenancy::error>> out;
    const auto asked = asking({{"Cookie", "__Host-codez=" + std::string(43, 'A')}});
    boost::asio::co_spawn(context, sessions_->find(asked),
                          [&](const std::exception_ptr&, auto found) { out = std::move(found); });
    context.run();
    ASSERT_FALSE(out.value());
    EXPECT_EQ(out->error().code, errc::unavailable);
}

TEST_P(browser_sessions, cookies_are_out_of_scripts_and_other_sites_reach) {
    EXPECT_EQ(sessions_->set_cookie("s"), "__Host-codez=s; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure");
    EXPECT_EQ(sessions_->clear_cookie(), "__Host-codez=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
    const sessions plain("http://127.0.0.1:4096", *people_, pool_);
    EXPECT_EQ(plain.set_cookie("s"), "codez_4096=s; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax");
    EXPECT_TRUE(sessions("http://localhost", *people_, pool_).set_cookie("s").starts_with("codez_80=s;"));
}

TEST_P(browser_sessions, a_form_is_ours_with_our_origin_and_token) {
    const auto with = [&](const fields& more, const std::string& body, const std::string& method = "POST") {
        return sessions_->posted_by_own_page(asking(more, method), "t0ken",
                                             pages::parse_form_with_doubles(body).value());
    };
    const std::string good = "form_token=t0ken&x=1";
    EXPECT_TRUE(with({{"Origin", "https://hub.example.com"}}, good));
    EXPECT_TRUE(with({{"Origin", "https://HUB.example.com:443"}}, good));
    EXPECT_TRUE(with({{"Sec-Fetch-Site", "same-origin"}}, good));
    EXPECT_TRUE(with({{"Sec-Fetch-Site", "none"}}, good));
    for (const char* origin :
         {"https://evil.org", "null", "", "http://hub.example.com", "https://hub.example.com.evil.org",
          "https://hub.example.com:8443", "http://localhost:1"})
        EXPECT_FALSE(with({{"Origin", origin}, {"Sec-Fetch-Site", "same-origin"}}, good)) << origin;
    EXPECT_FALSE(with({}, good)) << "a browser says where from";
    for (const char* site : {"cross-site", "same-site", "", "same-origin, none"})
        EXPECT_FALSE(with({{"Sec-Fetch-Site", site}}, good)) << site;
    EXPECT_FALSE(with({{"Origin", "https://hub.example.com"}}, good, "GET"));
    for (const char* body :
         {"", "x=1", "form_token=", "form_token=t0kem", "form_token=t0ken&form_token=t0ken", "form_token=t0ken2"})
        EXPECT_FALSE(with({{"Origin", "https://hub.example.com"}}, body)) << body;
    EXPECT_FALSE(sessions_->posted_by_own_page(asking({{"Origin", "https://hub.example.com"}}), "",
                                               pages::parse_form("form_token=").value()));
}

TEST_P(browser_sessions, visitors_have_a_token_of_their_own) {
    const auto first = sessions_->visitor_of(asking({}));
    ASSERT_TRUE(first.set_cookie.starts_with("__Host-codez-visitor="));
    EXPECT_NE(first.set_cookie.find("HttpOnly; SameSite=Lax; Secure"), std::string::npos);
    EXPECT_EQ(first.set_cookie.find(first.form_token), std::string::npos);
    const auto cookie = first.set_cookie.substr(0, first.set_cookie.find(';'));
    const auto again = sessions_->visitor_of(asking({{"Cookie", cookie}}));
    EXPECT_EQ(again.form_token, first.form_token);
    EXPECT_EQ(again.set_cookie, "");
    EXPECT_NE(sessions_->visitor_of(asking({})).form_token, first.form_token);
    EXPECT_FALSE(find({{"Cookie", cookie}}));
}

TEST(form_token, stands_in_a_hidden_field) {
    EXPECT_EQ(form_token_field("a\"b"), "<input type=\"hidden\" name=\"form_token\" value=\"a&quot;b\">");
}

CODEZ_ON_BOTH_DATABASES(browser_sessions);

}  // namespace
}  // namespace hub::people
