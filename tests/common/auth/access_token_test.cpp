#include "common/auth/access_token.hpp"

#include <gtest/gtest.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "tests/common/auth/token_maker.hpp"

namespace {
using namespace common::auth;
using nlohmann::json;
using test::encode;
using test::make_token;
using test::signing_key;

constexpr std::int64_t now = 1'800'000'000;

const signing_key& ec_key() {
    static const signing_key key(signing_key::kind::ec, "es-1");
    return key;
}
const signing_key& rsa_key() {
    static const signing_key key(signing_key::kind::rsa, "rs-1");
    return key;
}
const signing_key& ed_key() {
    static const signing_key key(signing_key::kind::ed25519, "ed-1");
    return key;
}

json pss_jwk() {
    json jwk = rsa_key().jwk();
    jwk["kid"] = "ps-1";
    jwk["alg"] = "PS256";
    return jwk;
}

const key_set& keys() {
    static const auto set =
        key_set::parse(test::key_set_json({ec_key().jwk(), rsa_key().jwk(), ed_key().jwk(), pss_jwk()}).dump());
    return *set;
}

token_rules rules() {
    return {.issuer = "https://as.example",
            .audiences = {"https://hub.example/mcp"},
            .any_type = false,
            .workspace_claim = {}};
}

json claims() {
    return {{"iss", "https://as.example"},
            {"aud", "https://hub.example/mcp"},
            {"sub", "alice"},
            {"client_id", "c1"},
            {"exp", now + 300},
            {"iat", now},
            {"scope", "mcp:tools offline_access"}};
}

// "" if the token is good, else why not.
std::string fault(std::string_view token, const token_rules& by = rules(), const key_set& set = keys()) {
    const auto read = read_token(token, by);
    if (!read) return read.error();
    const auto checked = check_token(*read, set, by, now);
    return checked ? std::string() : checked.error();
}

std::string fault_with(const char* name, const json& value) {
    json changed = claims();
    changed[name] = value;
    return fault(make_token(ec_key(), changed));
}

std::string fault_without(const char* name) {
    json changed = claims();
    changed.erase(name);
    return fault(make_token(ec_key(), changed));
}

TEST(access_token, becomes_its_claims) {
    auto by = rules();
    by.workspace_claim = "workspace";
    json given = claims();
    given["workspace"] = "w_1";
    const auto token = make_token(ec_key(), given);
    const auto read = read_token(token, by);
    ASSERT_TRUE(read) << read.error();
    const auto checked = check_token(*read, keys(), by, now);
    ASSERT_TRUE(checked) << checked.error();
    EXPECT_EQ(*checked,
              (token_claims{"https://as.example", "alice", "c1", {"mcp:tools", "offline_access"}, "w_1", now + 300}));
}

TEST(access_token, is_verified_by_each_algorithm) {
    EXPECT_EQ(fault(make_token(ec_key(), claims())), "");
    EXPECT_EQ(fault(make_token(rsa_key(), claims())), "");
    EXPECT_EQ(fault(make_token(ed_key(), claims())), "");
    EXPECT_EQ(fault(make_token(ed_key(), claims(), {{"typ", "at+jwt"}, {"alg", "Ed25519"}})), "");
    EXPECT_EQ(fault(make_token(rsa_key(), claims(), {{"typ", "at+jwt"}, {"alg", "PS256"}, {"kid", "ps-1"}})), "");
    EXPECT_EQ(fault(make_token(ec_key(), claims(), {{"typ", "application/AT+JWT"}})), "");
}

TEST(access_token, without_a_signature_by_the_pinned_algorithm_is_refused) {
    const std::string body = "." + encode(claims()) + ".";
    for (const auto* none : {"none", "None", "NONE", "nOnE", ""}) {
        const auto header = encode({{"typ", "at+jwt"}, {"alg", none}, {"kid", "es-1"}});
        EXPECT_EQ(fault(header + body), "its alg is not ES256, RS256, PS256 or EdDSA");
    }
    // A MAC with the public key as its secret, in every form that a library might take it in.
    for (const auto& secret : {ec_key().public_pem(), rsa_key().public_pem(), rsa_key().jwk()["n"].get<std::string>()})
        for (const auto* alg : {"HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"}) {
            const auto kid = alg[0] == 'R' ? "rs-1" : alg[1] == 'd' ? "ed-1" : "es-1";
            const auto text = encode({{"typ", "at+jwt"}, {"alg", alg}, {"kid", kid}}) + "." + encode(claims());
            const auto mac = common::crypto::hmac_sha256(secret, text);
            EXPECT_NE(fault(text + "." + common::crypto::base64url_encode(mac)), "") << alg;
        }
    const auto with = [](const signing_key& key, const char* alg, const char* kid) {
        return fault(make_token(key, claims(), {{"typ", "at+jwt"}, {"alg", alg}, {"kid", kid}}));
    };
    const std::string wrong_key = "no key of the server has its kid and alg";
    EXPECT_EQ(with(rsa_key(), "PS256", "rs-1"), wrong_key);
    EXPECT_EQ(with(rsa_key(), "RS256", "ps-1"), wrong_key);
    EXPECT_EQ(with(rsa_key(), "RS256", "es-1"), wrong_key);
    EXPECT_EQ(with(ec_key(), "ES256", "ed-1"), wrong_key);
    EXPECT_EQ(with(ec_key(), "ES256", "unknown"), wrong_key);
    EXPECT_EQ(with(ec_key(), "ES256", ""), wrong_key);
    for (const auto* alg : {"ES384", "ES512", "ES256K", "RS384", "PS512", "RS1", "dir", "A128KW"})
        EXPECT_NE(fault(make_token(ec_key(), claims(), {{"typ", "at+jwt"}, {"alg", alg}})), "") << alg;
    EXPECT_NE(fault(make_token(ec_key(), claims(), {{"typ", "at+jwt"}, {"kid", json::array({"es-1"})}})), "");
}

TEST(access_token, with_another_signature_is_refused) {
    const signing_key other(signing_key::kind::ec, "es-1");
    EXPECT_EQ(fault(make_token(other, claims())), "its signature is wrong");
    for (const auto* key : {&ec_key(), &rsa_key(), &ed_key()}) {
        const auto token = make_token(*key, claims());
        const auto dot = token.rfind('.');
        const auto text = token.substr(0, dot);
        const auto raw = *common::crypto::base64url_decode(token.substr(dot + 1));
        const auto signed_with = [&](std::string_view bytes) {
            return fault(text + "." + common::crypto::base64url_encode(bytes));
        };
        EXPECT_EQ(signed_with(raw), "");
        EXPECT_NE(signed_with(raw.substr(0, raw.size() - 1)), "");
        EXPECT_NE(signed_with(raw + '\0'), "");
        EXPECT_NE(signed_with('\0' + raw), "");
        EXPECT_NE(signed_with(std::string(raw.size(), '\0')), "");
        EXPECT_NE(signed_with(""), "");
        auto flipped = raw;
        flipped[5] = static_cast<char>(flipped[5] ^ 1);
        EXPECT_NE(signed_with(flipped), "");
        json richer = claims();
        richer["sub"] = "root";
        EXPECT_EQ(fault(token.substr(0, token.find('.')) + "." + encode(richer) + token.substr(dot)),
                  "its signature is wrong");
    }
    // The form that OpenSSL writes, which is not that of a JWS.
    const auto text = encode({{"typ", "at+jwt"}, {"alg", "ES256"}, {"kid", "es-1"}}) + "." + encode(claims());
    const auto raw = ec_key().sign(text, "ES256");
    const std::string der = std::string("\x30\x44\x02\x20", 4) + raw.substr(0, 32) + "\x02\x20" + raw.substr(32);
    EXPECT_EQ(fault(text + "." + common::crypto::base64url_encode(der)), "its signature is wrong");
}

TEST(access_token, has_one_form) {
    const auto token = make_token(ec_key(), claims());
    ASSERT_EQ(fault(token), "");
    const auto header = token.substr(0, token.find('.'));
    const auto rest = token.substr(token.find('.'));
    for (const std::string& bad : {std::string(),
                                   std::string("."),
                                   std::string(".."),
                                   std::string("..."),
                                   header,
                                   token + ".",
                                   token + ".x",
                                   "." + token,
                                   token + "=",
                                   token + "==",
                                   header + "=" + rest,
                                   " " + token,
                                   token + " ",
                                   token + "\n",
                                   header + " " + rest,
                                   header + "\n" + rest,
                                   header.substr(1) + rest,
                                   header + "+" + rest,
                                   header + "/" + rest,
                                   token.substr(0, token.rfind('.') + 1),
                                   std::string("e30") + rest,
                                   encode(json::array()) + rest,
                                   common::crypto::base64url_encode("{") + rest})
        EXPECT_NE(fault(bad), "") << bad;
    // Bits that no byte needs.
    auto loose = token;
    loose.back() = loose.back() == 'A' ? 'B' : static_cast<char>(loose.back() + 1);
    EXPECT_NE(fault(loose), "");
    json large = claims();
    large["padding"] = std::string(token_bytes_max, 'x');
    EXPECT_EQ(fault(make_token(ec_key(), large)), "it is larger than 8 KiB");
    EXPECT_NE(fault(std::string(1'000'000, '.')), "");
}

TEST(access_token, says_nothing_about_its_key) {
    const signing_key other(signing_key::kind::ec, "x");
    for (const auto* name : {"jku", "x5u"}) {
        EXPECT_EQ(
            fault(make_token(other, claims(), {{"typ", "at+jwt"}, {"kid", "x"}, {name, "https://evil.example/"}})),
            "no key of the server has its kid and alg");
        EXPECT_EQ(fault(make_token(ec_key(), claims(), {{"typ", "at+jwt"}, {name, "https://evil.example/"}})), "");
    }
    EXPECT_EQ(fault(make_token(other, claims(), {{"typ", "at+jwt"}, {"kid", "es-1"}, {"jwk", other.jwk()}})),
              "its signature is wrong");
    for (const json& crit : {json::array({"exp"}), json::array(), json("b64"), json(nullptr)})
        EXPECT_EQ(fault(make_token(ec_key(), claims(), {{"typ", "at+jwt"}, {"crit", crit}})),
                  "its header has extensions that must be understood");
}

TEST(access_token, of_another_type_is_refused_unless_the_server_is_known_for_it) {
    auto lenient = rules();
    lenient.any_type = true;
    for (const json& type :
         {json("JWT"), json("id+jwt"), json("at"), json(""), json(1), json(nullptr), json("logout+jwt")}) {
        const auto token = make_token(ec_key(), claims(), {{"typ", type}});
        EXPECT_EQ(fault(token), "its typ is not at+jwt") << type;
        EXPECT_EQ(fault(token, lenient), "");
    }
    EXPECT_EQ(fault(make_token(ec_key(), claims(), json::object())), "its typ is not at+jwt");
    // Id tokens are refused by what they hold, too.
    for (const auto* name : {"nonce", "at_hash", "c_hash"}) {
        json id_token = claims();
        id_token[name] = "x";
        EXPECT_EQ(fault(make_token(ec_key(), id_token, {{"typ", "JWT"}}), lenient), "it is an id token");
    }
}

TEST(access_token, is_of_its_issuer_for_this_resource) {
    for (const json& issuer : {json("https://as.example/"), json("https://AS.example"), json("http://as.example"),
                               json(""), json(nullptr), json(1), json::array({"https://as.example"})})
        EXPECT_EQ(fault_with("iss", issuer), "its iss is not the configured one") << issuer;
    EXPECT_EQ(fault_without("iss"), "its iss is not the configured one");
    for (const json& good :
         {json("https://hub.example/mcp"), json::array({"https://other.example", "https://hub.example/mcp"})})
        EXPECT_EQ(fault_with("aud", good), "") << good;
    for (const json& bad :
         {json("https://hub.example"), json("https://hub.example/mcp/"), json("https://hub.example/mcp2"), json(""),
          json(nullptr), json(1), json::array(), json::array({"https://hub.example"}),
          json::array({json::array({"https://hub.example/mcp"})}), json{{"https://hub.example/mcp", true}}})
        EXPECT_EQ(fault_with("aud", bad), "its aud is not this resource") << bad;
    EXPECT_EQ(fault_without("aud"), "its aud is not this resource");
}

TEST(access_token, is_of_its_time) {
    EXPECT_EQ(fault_without("exp"), "it has no exp");
    EXPECT_EQ(fault_without("iat"), "");
    EXPECT_EQ(fault_with("exp", now - 59), "");
    EXPECT_EQ(fault_with("exp", now - 60), "it has expired");
    EXPECT_EQ(fault_with("exp", now - 3600), "it has expired");
    EXPECT_EQ(fault_with("exp", now + 300.5), "");
    EXPECT_EQ(fault_with("iat", now + 60), "");
    EXPECT_EQ(fault_with("iat", now + 61), "it was issued in the future");
    EXPECT_EQ(fault_with("nbf", now + 60), "");
    EXPECT_EQ(fault_with("nbf", now + 61), "it is not valid yet");
    EXPECT_EQ(fault_with("exp", now + 24 * 3600), "");
    EXPECT_EQ(fault_with("exp", now + 25 * 3600), "it lives longer than a day");
    for (const auto* name : {"exp", "iat", "nbf"})
        for (const json& bad :
             {json("1800000300"), json(nullptr), json(-1), json(1e300), json::array({now}), json(true)})
            EXPECT_EQ(fault_with(name, bad), "a time is no number") << name << " " << bad;
}

TEST(access_token, is_somebodys_and_a_bearers) {
    EXPECT_EQ(fault_without("sub"), "its sub is missing or too long");
    for (const json& bad : {json(""), json(1), json(nullptr), json(std::string(256, 'x'))})
        EXPECT_EQ(fault_with("sub", bad), "its sub is missing or too long") << bad;
    EXPECT_EQ(fault_with("sub", std::string(255, 'x')), "");
    EXPECT_EQ(fault_with("cnf", {{"jkt", "x"}}), "it is bound to a key");
}

TEST(access_token, names_scopes_and_client_in_several_ways) {
    const auto read = [](json changed) {
        const auto checked = check_claims(changed, rules(), now, claims_of::token);
        EXPECT_TRUE(checked);
        return checked.value_or(token_claims{});
    };
    json given = claims();
    given.erase("scope");
    EXPECT_TRUE(read(given).scopes.empty());
    given["scp"] = json::array({"a", "b c", 1});
    EXPECT_EQ(read(given).scopes, (std::vector<std::string>{"a", "b", "c"}));
    given["scp"] = " a  b ";
    EXPECT_EQ(read(given).scopes, (std::vector<std::string>{"a", "b"}));
    given["scp"] = {{"a", 1}};
    EXPECT_TRUE(read(given).scopes.empty());
    given["scp"] = std::string(10'000, ' ') + std::string(1000, 'x');
    EXPECT_EQ(read(given).scopes.size(), 1U);
    given.erase("client_id");
    given["azp"] = "c2";
    EXPECT_EQ(read(given).client_id, "c2");
}

TEST(introspected_claims, may_leave_out_what_the_server_vouches_for) {
    json answer{{"active", true}, {"sub", "alice"}, {"aud", "https://hub.example/mcp"}, {"scope", "a"}};
    const auto check = [&] { return check_claims(answer, rules(), now, claims_of::introspection); };
    ASSERT_TRUE(check()) << check().error();
    EXPECT_EQ(check()->issuer, "https://as.example");
    EXPECT_EQ(check()->expires_at, 0);
    answer["iss"] = "https://evil.example";
    EXPECT_FALSE(check());
    answer["iss"] = "https://as.example";
    answer["exp"] = now + 30 * 24 * 3600;  // it can be taken back
    EXPECT_TRUE(check());
    answer["exp"] = now - 60;
    EXPECT_FALSE(check());
    answer.erase("exp");
    answer.erase("aud");
    EXPECT_FALSE(check());
}

}  // namespace
