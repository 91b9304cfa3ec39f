#include "tests/common/auth/fake_server.hpp"
#include "tests/common/auth/token_maker.hpp"

namespace {
using namespace common::auth;
using namespace std::chrono_literals;
using nlohmann::json;
using test::signing_key;

class jwt_checkers : public test::fake_server {
protected:
    void SetUp() override {
        publish_metadata({{"jwks_uri", "https://as.example/jwks"}});
        publish_keys({first_.jwk()});
    }

    void publish_keys(std::initializer_list<json> keys, std::string_view max_age = "1000") {
        answers_["https://as.example/jwks"] = {
            200, {{"Cache-Control", "max-age=" + std::string(max_age)}}, test::key_set_json(keys).dump()};
    }
    std::string token_by(const signing_key& key) const {
        return test::make_token(
            key, {{"iss", issuer}, {"aud", audience}, {"sub", "alice"}, {"exp", now() + 300}, {"scope", "mcp:tools"}});
    }
    token_result check(const std::string& token) { return run(checker_->check(token)); }
    token_errc fault(const std::string& token) {
        const auto checked = check(token);
        EXPECT_FALSE(checked);
        return checked ? token_errc{} : checked.error().code;
    }
    std::size_t fetches() const { return asked_for("/jwks"); }

    const signing_key first_{signing_key::kind::ec, "one"};
    const signing_key second_{signing_key::kind::ed25519, "two"};
    std::unique_ptr<token_checker> checker_ = make_jwt_checker(
        io_.get_executor(), {.issuer = issuer, .audiences = {audience}, .any_type = false, .workspace_claim = {}},
        access());
};

TEST_F(jwt_checkers, fetch_the_keys_once) {
    const auto checked = check(token_by(first_));
    ASSERT_TRUE(checked) << checked.error().log_text;
    EXPECT_EQ(checked->subject, "alice");
    EXPECT_EQ(checked->issuer, issuer);
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(check(token_by(first_)));
    EXPECT_EQ(fetches(), 1U);
    for (const auto& request : asked_) EXPECT_NE(request.guard, nullptr);
}

TEST_F(jwt_checkers, do_not_fetch_for_what_no_key_can_make_good) {
    for (const std::string token : {"", "x", "a.b.c"}) EXPECT_EQ(fault(token), token_errc::invalid);
    EXPECT_EQ(fault(test::make_token(first_, {{"iss", "https://evil.example"}, {"aud", audience}})),
              token_errc::invalid);
    EXPECT_TRUE(asked_.empty());
}

TEST_F(jwt_checkers, take_a_new_key_at_once_and_drop_one_that_was_removed) {
    ASSERT_TRUE(check(token_by(first_)));
    publish_keys({first_.jwk(), second_.jwk()});
    pass(1s);
    EXPECT_TRUE(check(token_by(second_)));
    EXPECT_EQ(fetches(), 2U);
    publish_keys({second_.jwk()});
    EXPECT_TRUE(check(token_by(first_)));  // not known yet
    pass(1001s);
    EXPECT_EQ(fault(token_by(first_)), token_errc::invalid);
    EXPECT_TRUE(check(token_by(second_)));
}

TEST_F(jwt_checkers, a_flood_of_kids_is_one_fetch_a_minute) {
    ASSERT_TRUE(check(token_by(first_)));
    const auto flood = [&] {
        for (int i = 0; i < 300; ++i) {
            const auto token =
                test::make_token(first_, {{"iss", issuer}, {"aud", audience}, {"sub", "a"}, {"exp", now() + 300}},
                                 {{"typ", "at+jwt"}, {"kid", "made-up-" + std::to_string(i)}});
            EXPECT_EQ(fault(token), token_errc::invalid);
        }
    };
    flood();
    EXPECT_EQ(fetches(), 2U);
    pass(59s);
    flood();
    EXPECT_EQ(fetches(), 2U);
    pass(1s);
    flood();
    EXPECT_EQ(fetches(), 3U);
    EXPECT_TRUE(check(token_by(first_)));
}

TEST_F(jwt_checkers, fetch_early_in_the_background) {
    ASSERT_TRUE(check(token_by(first_)));
    pass(799s);
    EXPECT_TRUE(check(token_by(first_)));
    EXPECT_EQ(fetches(), 1U);
    pass(1s);
    EXPECT_TRUE(check(token_by(first_)));
    EXPECT_EQ(fetches(), 2U);
    pass(500s);
    EXPECT_TRUE(check(token_by(first_)));
    EXPECT_EQ(fetches(), 2U);  // from the second fetch on it counts anew
}

TEST_F(jwt_checkers, go_on_for_a_day_with_the_keys_of_a_server_that_is_down) {
    ASSERT_TRUE(check(token_by(first_)));
    down_ = true;
    pass(1h);
    EXPECT_TRUE(check(token_by(first_)));
    EXPECT_EQ(fault(token_by(second_)), token_errc::unavailable);  // it may be a new one
    pass(23h);
    EXPECT_TRUE(check(token_by(first_)));
    pass(1h);
    EXPECT_EQ(fault(token_by(first_)), token_errc::unavailable);
    down_ = false;
    pass(5s);
    EXPECT_TRUE(check(token_by(first_)));
}

TEST_F(jwt_checkers, do_not_press_a_server_that_fails) {
    down_ = true;
    for (int i = 0; i < 20; ++i) EXPECT_EQ(fault(token_by(first_)), token_errc::unavailable);
    EXPECT_EQ(asked_.size(), 1U);
    pass(5s);
    EXPECT_EQ(fault(token_by(first_)), token_errc::unavailable);
    EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(jwt_checkers, a_server_that_gives_no_keys_is_unavailable) {
    const auto unavailable = [&](common::net::http_response response) {
        answers_["https://as.example/jwks"] = std::move(response);
        pass(5s);
        const auto checked = check(token_by(first_));
        EXPECT_FALSE(checked);
        return !checked && checked.error().code == token_errc::unavailable && !checked.error().log_text.empty();
    };
    EXPECT_TRUE(unavailable({200, {}, "<html>"}));
    EXPECT_TRUE(unavailable({200, {}, R"({"keys":[]})"}));
    EXPECT_TRUE(unavailable({302, {{"Location", "https://as.example/jwks"}}, ""}));
    EXPECT_TRUE(unavailable({500, {}, ""}));
    publish_keys({first_.jwk()});
    publish_metadata({{"jwks_uri", "http://as.example/jwks"}});
    pass(5s);
    EXPECT_EQ(fault(token_by(first_)), token_errc::unavailable);
}

TEST_F(jwt_checkers, ask_once_for_all_who_wait) {
    held_ = true;
    int good = 0;
    for (int i = 0; i < 20; ++i)
        boost::asio::co_spawn(io_, checker_->check(token_by(first_)),
                              [&](std::exception_ptr, const token_result& result) { good += result ? 1 : 0; });
    io_.restart();
    io_.poll();
    held_ = false;
    released_.notify_all();
    io_.restart();
    io_.run();
    EXPECT_EQ(good, 20);
    EXPECT_EQ(fetches(), 1U);
}

}  // namespace
