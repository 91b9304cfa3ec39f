// POST /agent/v1/enroll: what becomes a machine, and what each wrong request is told.
#include "hub/links/enrolment.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "proto/messages.hpp"
#include "tests/hub/links/hub_fixture.hpp"

namespace hub::links {
namespace {

using nlohmann::json;

class enrolments : public tests::hub_fixture {
protected:
    static json body_of(const common::crypto::ed25519_key& key, const std::string& signed_origin = origin) {
        const std::string nonce = common::crypto::random_bytes(32);
        const auto signature = key.sign(proto::enroll_signing_text(signed_origin, nonce, key.public_key()));
        return {{"pub", common::crypto::base64url_encode(key.public_key())},
                {"nonce", common::crypto::base64url_encode(nonce)},
                {"sig", common::crypto::base64url_encode(signature)},
                {"name", "box"},
                {"version", "0.1.0"},
                {"os", "Linux"},
                {"arch", "x86_64"},
                {"hostname", "box.local"}};
    }

    std::shared_ptr<tests::fake_exchange> post(const std::string& body, const std::string& token,
                                               const std::string& method = "POST") {
        common::net::http_request request;
        request.method = method;
        request.path = "/agent/v1/enroll";
        request.body = body;
        if (!token.empty()) request.fields.add("Authorization", "Bearer " + token);
        const auto exchange = std::make_shared<tests::fake_exchange>(std::move(request));
        run(enrolment_.handle(*exchange));
        EXPECT_EQ(exchange->answers, 1);
        return exchange;
    }

    void expect_problem(const std::shared_ptr<tests::fake_exchange>& answer, int status, const std::string& code) {
        EXPECT_EQ(answer->status, status) << answer->body;
        EXPECT_EQ(answer->json().value("error", ""), code);
        EXPECT_GT(answer->json().value("message", "").size(), 15U) << answer->body;
    }

    std::size_t machines() { return store_->list_machines(workspace_).value().size(); }

    enrolment enrolment_{identity_, *store_, pool_, log_};
    common::crypto::ed25519_key key_ = common::crypto::ed25519_key::generate();
};

TEST_F(enrolments, a_token_and_a_key_become_a_machine_that_can_link) {
    const auto answer = post(body_of(key_).dump(), join_token(workspace_));
    ASSERT_EQ(answer->status, 200) << answer->body;
    const auto made = answer->json();
    EXPECT_EQ(made["workspace_id"], workspace_);
    EXPECT_EQ(made["name"], "box");
    EXPECT_EQ(made["link_counter"], 0);
    EXPECT_EQ(made["hub_id"], "hub_1");
    EXPECT_EQ(made["hub_keys"][0]["kid"], "hk1");
    EXPECT_EQ(made["hub_keys"][0]["pub"], common::crypto::base64url_encode(identity_.key.public_key()));
    EXPECT_EQ(answer->field("Cache-Control"), "no-store");
    tests::machine_identity identity;
    identity.key = key_;
    identity.id = made["machine_id"];
    EXPECT_TRUE(link_up(identity)->welcome);
}

TEST_F(enrolments, only_a_post_with_a_token_and_without_an_origin) {
    EXPECT_EQ(post("", join_token(workspace_), "GET")->field("Allow"), "POST");
    expect_problem(post(body_of(key_).dump(), ""), 401, "token_unknown");
    common::net::http_request request;
    request.method = "POST";
    request.body = body_of(key_).dump();
    request.fields.add("Authorization", "Bearer " + join_token(workspace_));
    request.fields.add("Origin", origin);
    tests::fake_exchange page(request);
    run(enrolment_.handle(page));
    EXPECT_EQ(page.status, 401);
    EXPECT_EQ(machines(), 0U);
}

TEST_F(enrolments, bad_bodies_are_refused_and_cost_no_token) {
    const auto token = join_token(workspace_);
    const auto with = [this](const char* name, const json& value) {
        auto body = body_of(key_);
        body[name] = value;
        return body.dump();
    };
    std::vector<std::string> bad{"",
                                 "no json",
                                 "[]",
                                 "7",
                                 "{}",
                                 R"({"pub":)",
                                 std::string(100'000, ' ') + "{}",
                                 std::string(10'000, '['),
                                 with("pub", 7),
                                 with("pub", "!!"),
                                 with("pub", common::crypto::base64url_encode(std::string(31, 'x'))),
                                 with("pub", std::string(10'000, 'A')),
                                 with("nonce", ""),
                                 with("sig", nullptr),
                                 with("name", 7),
                                 with("name", std::string(200, 'x'))};
    for (const auto& body : bad) expect_problem(post(body, token), 400, "invalid_request");
    EXPECT_EQ(machines(), 0U);
    EXPECT_EQ(post(body_of(key_).dump(), token)->status, 200);
}

TEST_F(enrolments, a_signature_for_another_hub_or_by_another_key_is_refused) {
    const auto token = join_token(workspace_);
    expect_problem(post(body_of(key_, "https://other.example.com").dump(), token), 400, "bad_signature");
    auto stolen = body_of(key_);
    stolen["pub"] = common::crypto::base64url_encode(common::crypto::ed25519_key::generate().public_key());
    expect_problem(post(stolen.dump(), token), 400, "bad_signature");
    EXPECT_EQ(machines(), 0U);
}

TEST_F(enrolments, tokens_that_are_unknown_used_or_too_old_are_told_apart) {
    expect_problem(post(body_of(key_).dump(), "czj_" + std::string(40, 'a')), 401, "token_unknown");
    const auto token = join_token(workspace_);
    ASSERT_EQ(post(body_of(key_).dump(), token)->status, 200);
    EXPECT_EQ(post(body_of(key_).dump(), token)->status, 200) << "the reply got lost";
    expect_problem(post(body_of(common::crypto::ed25519_key::generate()).dump(), token), 401, "token_used");

    tenancy::store later(*db_, [] { return tenancy::system_time_ms() + 25LL * 3600 * 1000; });
    enrolment tomorrow(identity_, later, pool_, log_);
    common::net::http_request request;
    request.method = "POST";
    request.body = body_of(key_).dump();
    request.fields.add("Authorization", "Bearer " + join_token(workspace_));
    const auto exchange = std::make_shared<tests::fake_exchange>(std::move(request));
    run(tomorrow.handle(*exchange));
    expect_problem(exchange, 401, "token_expired");
}

TEST_F(enrolments, a_revoked_key_and_a_name_that_is_taken) {
    const auto made = post(body_of(key_).dump(), join_token(workspace_))->json();
    expect_problem(post(body_of(common::crypto::ed25519_key::generate()).dump(), join_token(workspace_)), 409,
                   "already_exists");
    ASSERT_TRUE(store_->revoke_machine(workspace_, made["machine_id"].get<std::string>(), "user:x"));
    expect_problem(post(body_of(key_).dump(), join_token(workspace_)), 403, "machine_revoked");
}

TEST_F(enrolments, a_machine_that_enrols_again_goes_on_from_the_hubs_counter) {
    auto identity = enrol("box");
    link_up(identity);
    const auto again = post(body_of(identity.key).dump(), join_token(workspace_))->json();
    EXPECT_GT(again["link_counter"].get<std::uint64_t>(), identity.link_counter);
}

TEST_F(enrolments, a_database_that_does_not_answer_is_a_503) {
    const auto token = join_token(workspace_);
    const auto other = common::db::open("sqlite://" + (directory_.path() / "hub.db").string()).value();
    (void)other->transaction(
        [&](common::db::connection&) { expect_problem(post(body_of(key_).dump(), token), 503, "unavailable"); });
    pool_.stop();
    expect_problem(post(body_of(key_).dump(), token), 503, "unavailable");
}

}  // namespace
}  // namespace hub::links
