// RFC 7591: what clients may register.
#include "hub/oauth/registration.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/crypto/digest.hpp"

namespace hub::oauth {
namespace {

using nlohmann::json;

auto read(const std::string& body, const std::string& type = "application/json") {
    common::net::http_request request;
    request.method = "POST";
    request.fields.add("Content-Type", type);
    request.body = body;
    return read_registration(request);
}
std::string error_of(const std::string& body) {
    const auto asked = read(body);
    return asked ? "" : json::parse(asked.error().body)["error"].get<std::string>();
}
json with(const json& more) {
    json body{{"redirect_uris", {"http://localhost:5/callback"}}, {"client_name", "Claude Code (codez)"}};
    body.update(more);
    return body;
}

TEST(registrations, of_claude_code_give_a_public_client) {
    const auto asked = read(with({{"grant_types", {"authorization_code", "refresh_token"}},
                                  {"response_types", {"code"}},
                                  {"token_endpoint_auth_method", "none"},
                                  {"application_type", "native"},
                                  {"scope", "mcp"},
                                  {"jwks_uri", "https://a.example/never-fetched"}})
                                .dump());
    ASSERT_TRUE(asked);
    client made = asked->fields;
    made.id = "c_1";
    const auto answer = registration_answer(*asked, made, 1'800'000'000'000);
    EXPECT_EQ(answer.status, 201);
    const auto body = json::parse(answer.body);
    EXPECT_EQ(body["client_id"], "c_1");
    EXPECT_EQ(body["client_id_issued_at"], 1'800'000'000);
    EXPECT_EQ(body["redirect_uris"], json{"http://localhost:5/callback"});
    EXPECT_EQ(body["token_endpoint_auth_method"], "none");
    EXPECT_EQ(body["application_type"], "native");
    EXPECT_FALSE(body.contains("client_secret"));
}

TEST(registrations, give_a_secret_to_those_who_want_one_and_keep_its_hash) {
    const auto asked = read(with({{"token_endpoint_auth_method", "client_secret_post"}}).dump());
    ASSERT_TRUE(asked);
    const auto body = json::parse(registration_answer(*asked, asked->fields, 0).body);
    EXPECT_EQ(common::crypto::sha256(body["client_secret"].get<std::string>()), asked->fields.secret_hash);
    EXPECT_EQ(body["client_secret_expires_at"], 0);
}

TEST(registrations, show_people_no_tricks) {
    const auto name = [](const std::string& given) { return read(with({{"client_name", given}}).dump())->fields.name; };
    EXPECT_EQ(name("<script>alert(1)</script>"), "<script>alert(1)</script>") << "escaped where it is shown";
    EXPECT_EQ(name("\xe2\x80\xaegnp.exe\r\n\x07 x "), "gnp.exe x");
    EXPECT_EQ(name(std::string(99, 'a') + "\xc3\xa4\xc3\xa4").size(), 99U) << "no character is cut in half";
    EXPECT_EQ(name(" \n "), "An application without a name (a program on this computer)");
    EXPECT_EQ(read(R"({"redirect_uris":["https://a.example/cb"]})")->fields.name,
              "An application without a name (a.example)");
}

TEST(registrations, are_refused_with_the_errors_of_the_rfc) {
    for (const char* body : {"", "[]", "{", "1"}) EXPECT_EQ(error_of(body), "invalid_client_metadata") << body;
    for (const json& uris : {json(), json::array(), json{"javascript:alert(1)"}, json{"http://example.com/"}, json{1},
                             json("x"), json(std::vector<std::string>(11, "https://a.example/"))})
        EXPECT_EQ(error_of(with({{"redirect_uris", uris}}).dump()), "invalid_redirect_uri") << uris;
    for (const json& more : {json{{"client_name", 1}}, json{{"token_endpoint_auth_method", "private_key_jwt"}},
                             json{{"grant_types", {"password"}}}, json{{"response_types", {"token"}}},
                             json{{"grant_types", "authorization_code"}}})
        EXPECT_EQ(error_of(with(more).dump()), "invalid_client_metadata") << more;
    EXPECT_EQ(error_of(with({{"software_statement", "x"}}).dump()), "invalid_software_statement");
    EXPECT_FALSE(read(with(json::object()).dump(), "text/plain"));
    EXPECT_EQ(error_of(with({{"x", std::string(20'000, 'x')}}).dump()), "invalid_client_metadata");
    EXPECT_EQ(
        error_of(R"({"redirect_uris":["https://a.example/"],"x":)" + std::string(20, '[') + std::string(20, ']') + "}"),
        "invalid_client_metadata");
}

}  // namespace
}  // namespace hub::oauth
