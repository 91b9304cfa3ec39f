#include "hub/upstream/provider.hpp"

#include <fmt/format.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/net/connector.hpp"
#include "common/net/fetch_guard.hpp"
#include "common/net/url_encoding.hpp"

namespace hub::upstream {

using boost::asio::awaitable;
using common::net::encode_component;
using nlohmann::json;

proof make_proof(std::string_view visitor_token, std::string_view state) {
    const auto derive = [&](std::string_view what) {
        return common::crypto::hmac_sha256(visitor_token, fmt::format("codez sign-in {} {}", what, state));
    };
    return {common::crypto::base64url_encode(derive("code verifier")),
            common::crypto::base64url_encode(derive("nonce")), derive("seal key")};
}

provider::provider(provider_options options, std::string redirect_uri, common::auth::server_access access)
    : options_(std::move(options)), redirect_uri_(std::move(redirect_uri)), access_(std::move(access)) {}

std::string provider::authorization_query(const visit_start& start) const {
    const auto challenge = common::crypto::base64url_encode(common::crypto::sha256(start.proven_by.code_verifier));
    return fmt::format("client_id={}&redirect_uri={}&state={}&code_challenge={}&code_challenge_method=S256",
                       encode_component(options_.client_id), encode_component(redirect_uri_), start.state, challenge);
}

awaitable<outcome<json>> provider::ask_for_token(std::string endpoint, visit_answer answer,
                                                 common::net::http_fields fields, std::string more,
                                                 std::chrono::steady_clock::time_point deadline) {
    auto request = common::net::guarded_request(std::move(endpoint), access_.guard);
    request.method = "POST";
    request.fields.add_all(fields);
    request.fields.add("Content-Type", "application/x-www-form-urlencoded");
    request.body = fmt::format("grant_type=authorization_code&code={}&redirect_uri={}&code_verifier={}{}",
                               encode_component(answer.code), encode_component(redirect_uri_),
                               encode_component(answer.proven_by.code_verifier), more);
    request.timeout = common::net::time_left(deadline);
    request.body_bytes_max = answer_bytes_max;
    const auto got = co_await access_.fetch(std::move(request));
    if (!got) co_return std::unexpected(problem{failure::unavailable, got.error().message});
    json body = json::parse(got->body, nullptr, false);
    const bool is_object = body.is_object();
    // RFC 6749 §5.2; GitHub says so with 200.
    const bool wrong_client = is_object && (body.value("error", json()) == "invalid_client" ||
                                            body.value("error", json()) == "incorrect_client_credentials");
    if (got->status == 401 || wrong_client)
        co_return std::unexpected(problem{failure::unavailable, "it does not take the hub's client id and secret"});
    if (got->status >= 500 || got->status == 429)
        co_return std::unexpected(problem{failure::unavailable, fmt::format("it answers {} for a code", got->status)});
    if (got->status != 200 || !is_object || body.contains("error"))
        co_return std::unexpected(
            problem{failure::refused, fmt::format("it gives no token for the code, but {}", got->status)});
    co_return std::move(body);
}

std::string origin_of(std::string_view url) {
    const auto end = std::min(url.find_first_of("/?", std::string_view("https://").size()), url.size());
    return std::string(url.substr(0, end));
}

}  // namespace hub::upstream
