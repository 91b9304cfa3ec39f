#include "hub/oauth/id_token.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"

namespace hub::oauth {

using common::crypto::base64url_encode;
using nlohmann::json;

namespace {

constexpr std::int64_t lifetime_s = 300;

std::string encoded(const json& part) {
    return base64url_encode(part.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace

id_token_issuer::id_token_issuer(std::string origin, common::crypto::es256_key key)
    : origin_(std::move(origin)), key_(std::move(key)) {
    const auto point = key_.public_point();
    // RFC 7638 §3: these members, in this order, without spaces.
    kid_ = base64url_encode(common::crypto::sha256(fmt::format(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})",
                                                               base64url_encode(point.x), base64url_encode(point.y))));
}

json id_token_issuer::key_set() const {
    const auto point = key_.public_point();
    return {{"keys",
             {{{"kty", "EC"},
               {"crv", "P-256"},
               {"x", base64url_encode(point.x)},
               {"y", base64url_encode(point.y)},
               {"kid", kid_},
               {"use", "sig"},
               {"alg", "ES256"}}}}};
}

std::string id_token_issuer::issue(const token_grant& of, const std::string& nonce, std::int64_t now_ms) const {
    const auto asked = [&of](std::string_view scope) { return std::ranges::find(of.scopes, scope) != of.scopes.end(); };
    json claims{{"iss", origin_},
                {"sub", of.user_id},
                {"aud", of.client_id},
                {"iat", now_ms / 1000},
                {"exp", now_ms / 1000 + lifetime_s}};
    if (!nonce.empty()) claims["nonce"] = nonce;
    if (asked("profile")) claims["name"] = of.user_name;
    if (asked("email") && !of.user_email.empty()) claims["email"] = of.user_email;
    const std::string text = encoded({{"alg", "ES256"}, {"typ", "JWT"}, {"kid", kid_}}) + "." + encoded(claims);
    return text + "." + base64url_encode(key_.sign(text));
}

}  // namespace hub::oauth
