#include "common/crypto/encoding.hpp"
#include "tests/common/auth/fake_server.hpp"

namespace {
using namespace common::auth;
using namespace std::chrono_literals;
using nlohmann::json;

class asked : public test::fake_server {
protected:
    token_result check(token_checker& checker, const std::string& token) { return run(checker.check(token)); }
    token_errc fault(token_checker& checker, const std::string& token) {
        const auto checked = check(checker, token);
        EXPECT_FALSE(checked);
        return checked ? token_errc{} : checked.error().code;
    }
};

class introspections : public asked {
protected:
    void SetUp() override {
        publish_metadata({{"introspection_endpoint", "https://as.example/introspect"}});
        say(good());
    }
    json good() const {
        return {{"active", true},   {"sub", "alice"}, {"aud", audience},    {"iss", issuer},
                {"client_id", "c"}, {"scope", "a b"}, {"exp", now() + 300}, {"token_type", "Bearer"}};
    }
    void say(const json& answer) { answers_["https://as.example/introspect"] = {200, {}, answer.dump()}; }
    std::size_t questions() const { return asked_for("/introspect"); }

    std::unique_ptr<token_checker> checker_ = make_introspection_checker(
        io_.get_executor(), {.issuer = issuer, .audiences = {audience}, .any_type = false, .workspace_claim = {}},
        {"co dez", "s:e%cret"}, access());
};

TEST_F(introspections, ask_as_the_standard_says) {
    const auto checked = check(*checker_, "opaque+/~-_.token==");
    ASSERT_TRUE(checked) << checked.error().log_text;
    EXPECT_EQ(*checked, (token_claims{issuer, "alice", "c", {"a", "b"}, "", now() + 300}));
    const auto& request = asked_.back();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.body, "token=opaque%2B%2F~-_.token%3D%3D&token_type_hint=access_token");
    EXPECT_EQ(request.fields.find("Content-Type"), "application/x-www-form-urlencoded");
    EXPECT_EQ(request.fields.find("Authorization"), "Basic " + common::crypto::base64_encode("co%20dez:s%3Ae%25cret"));
    EXPECT_LE(request.timeout, 2s);
    EXPECT_NE(request.guard, nullptr);
}

TEST_F(introspections, keep_a_good_answer_for_30_seconds_and_a_bad_one_for_5) {
    ASSERT_TRUE(check(*checker_, "t"));
    say({{"active", false}});
    pass(29s);
    EXPECT_TRUE(check(*checker_, "t"));
    EXPECT_EQ(questions(), 1U);
    pass(1s);
    EXPECT_EQ(fault(*checker_, "t"), token_errc::invalid);
    say(good());
    pass(4s);
    EXPECT_EQ(fault(*checker_, "t"), token_errc::invalid);
    EXPECT_EQ(questions(), 2U);
    pass(1s);
    EXPECT_TRUE(check(*checker_, "t"));
    EXPECT_EQ(asked_for("well-known"), 1U);
}

TEST_F(introspections, keep_no_answer_longer_than_the_token) {
    json short_lived = good();
    short_lived["exp"] = now() + 10;
    say(short_lived);
    ASSERT_TRUE(check(*checker_, "t"));
    pass(10s);
    say({{"active", false}});
    EXPECT_EQ(fault(*checker_, "t"), token_errc::invalid);
}

TEST_F(introspections, refuse_tokens_that_are_not_for_this_resource_now) {
    int token = 0;
    const auto with = [&](const char* name, const json& value) {
        json answer = good();
        answer[name] = value;
        say(answer);
        return fault(*checker_, "t" + std::to_string(++token));
    };
    EXPECT_EQ(with("active", false), token_errc::invalid);
    EXPECT_EQ(with("aud", "https://other.example"), token_errc::invalid);
    EXPECT_EQ(with("iss", "https://evil.example"), token_errc::invalid);
    EXPECT_EQ(with("exp", now() - 60), token_errc::invalid);
    EXPECT_EQ(with("nbf", now() + 3600), token_errc::invalid);
    EXPECT_EQ(with("sub", ""), token_errc::invalid);
    EXPECT_EQ(with("token_type", "DPoP"), token_errc::invalid);
    EXPECT_EQ(with("token_type", "refresh_token"), token_errc::invalid);
    EXPECT_EQ(with("cnf", {{"jkt", "x"}}), token_errc::invalid);
    EXPECT_EQ(with("active", "true"), token_errc::unavailable);
    EXPECT_EQ(with("active", 1), token_errc::unavailable);
}

TEST_F(introspections, a_server_that_cannot_be_asked_is_never_the_tokens_fault) {
    const auto said = [&](common::net::http_response response) {
        answers_["https://as.example/introspect"] = std::move(response);
        return fault(*checker_, "t");
    };
    for (const int status : {204, 302, 400, 401, 403, 404, 429, 500, 503})
        EXPECT_EQ(said({status, {}, R"({"active":false})"}), token_errc::unavailable) << status;
    for (const auto* body : {"", "{}", "[]", "no", "[{\"active\":true}]"})
        EXPECT_EQ(said({200, {}, body}), token_errc::unavailable);
    down_ = true;
    EXPECT_EQ(fault(*checker_, "t"), token_errc::unavailable);
    down_ = false;
    say(good());
    EXPECT_TRUE(check(*checker_, "t"));  // and it is not kept
    publish_metadata({{"introspection_endpoint", "http://as.example/introspect"}});
    pass(2h);
    say(good());
    EXPECT_TRUE(check(*checker_, "u"));  // the endpoint that was found once
}

TEST_F(introspections, send_nothing_that_is_no_token) {
    for (const std::string bad : {"", "a b", "a\nb", "t\xc3\xa4", "a&b"})
        EXPECT_EQ(fault(*checker_, bad), token_errc::invalid);
    EXPECT_EQ(fault(*checker_, std::string(token_bytes_max + 1, 'x')), token_errc::invalid);
    EXPECT_TRUE(asked_.empty());
}

TEST_F(introspections, ask_once_for_one_token_and_for_few_at_a_time) {
    ASSERT_TRUE(check(*checker_, "first"));
    asked_.clear();
    held_ = true;
    std::map<bool, int> results;
    int unavailable = 0;
    const auto take = [&](std::exception_ptr, const token_result& result) {
        ++results[result.has_value()];
        if (!result && result.error().code == token_errc::unavailable) ++unavailable;
    };
    for (int i = 0; i < 10; ++i) boost::asio::co_spawn(io_, checker_->check("same"), take);
    for (int i = 0; i < 100; ++i) boost::asio::co_spawn(io_, checker_->check("other" + std::to_string(i)), take);
    io_.restart();
    io_.poll();
    EXPECT_EQ(questions(), 64U);
    EXPECT_EQ(unavailable, 37);
    held_ = false;
    released_.notify_all();
    io_.restart();
    io_.run();
    EXPECT_EQ(results[true], 73);
}

class authkits : public asked {
protected:
    void SetUp() override { say(200, {{"sub", "usr_1"}, {"email", "a@example.com"}, {"name", "A"}}); }
    void say(int status, const json& answer) {
        answers_["https://as.example/oauth/userinfo"] = {status, {}, answer.dump()};
    }

    std::unique_ptr<token_checker> checker_ = make_authkit_checker(io_.get_executor(), issuer, {"mcp:tools"}, access());
};

TEST_F(authkits, know_the_user_and_nothing_else) {
    const auto checked = check(*checker_, "mat_0123");
    ASSERT_TRUE(checked) << checked.error().log_text;
    EXPECT_EQ(*checked, (token_claims{issuer, "usr_1", "", {"mcp:tools"}, "", 0}));
    EXPECT_EQ(asked_.back().fields.find("Authorization"), "Bearer mat_0123");
    for (const std::string foreign : {"", "mat", "MAT_0123", "mrt_0123", "czk_0123", "ey.ey.x", "mat_ x", "mat_\n"})
        EXPECT_EQ(fault(*checker_, foreign), token_errc::invalid) << foreign;
    EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(authkits, are_believed_for_a_minute) {
    ASSERT_TRUE(check(*checker_, "mat_0123"));
    say(401, {{"error", "invalid_token"}});
    pass(59s);
    EXPECT_TRUE(check(*checker_, "mat_0123"));
    pass(1s);
    EXPECT_EQ(fault(*checker_, "mat_0123"), token_errc::invalid);
    EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(authkits, that_fail_are_unavailable) {
    for (const int status : {302, 400, 403, 404, 500}) {
        say(status, {{"sub", "usr_1"}});
        EXPECT_EQ(fault(*checker_, "mat_0123"), token_errc::unavailable) << status;
    }
    for (const json& answer : {json(), json::array(), json{{"sub", 1}}, json{{"email", "a"}}}) {
        say(200, answer);
        EXPECT_EQ(fault(*checker_, "mat_0123"), token_errc::unavailable);
    }
    say(200, {{"sub", ""}});
    EXPECT_EQ(fault(*checker_, "mat_0123"), token_errc::invalid);
    down_ = true;
    EXPECT_EQ(fault(*checker_, "mat_4567"), token_errc::unavailable);
}

}  // namespace
