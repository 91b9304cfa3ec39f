// Tokens that only their server understands: introspection and userinfo.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/auth/answer_cache.hpp"
#include "common/auth/server_metadata.hpp"
#include "common/auth/token_checker.hpp"
#include "common/crypto/encoding.hpp"
#include "common/net/connector.hpp"
#include "common/net/fetch_guard.hpp"

namespace common::auth {
namespace asio = boost::asio;
using nlohmann::json;
using std::chrono::seconds;

namespace {

constexpr seconds question_time(2);
constexpr seconds introspected_for(30);
constexpr seconds userinfo_for(60);
constexpr seconds endpoint_for(3600);
constexpr std::size_t answer_bytes_max = 64 << 10;
constexpr std::size_t subject_bytes_max = 255;

std::unexpected<token_error> invalid(std::string why) {
    return std::unexpected(token_error{token_errc::invalid, std::move(why)});
}
std::unexpected<token_error> unavailable(std::string why) {
    return std::unexpected(token_error{token_errc::unavailable, std::move(why)});
}

// RFC 6750 §2.1: what may stand behind "Bearer ".
bool is_bearer_token(std::string_view token) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    return !token.empty() && token.size() <= token_bytes_max &&
           token.find_first_not_of(allowed) == std::string_view::npos;
}

std::string form_encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

class introspection_checker final : public token_checker {
public:
    introspection_checker(asio::any_io_executor executor, token_rules rules, const introspection_client& client,
                          server_access access)
        : rules_(std::move(rules)),
          // RFC 6749 §2.3.1: both are form-encoded first.
          authorization_("Basic " + crypto::base64_encode(form_encode(client.id) + ":" + form_encode(client.secret))),
          access_(std::move(access)),
          cache_(
              std::move(executor), [this](std::string token) { return ask(std::move(token)); }, introspected_for,
              access_.time) {}

    asio::awaitable<token_result> check(std::string token) override {
        if (!is_bearer_token(token)) co_return invalid("it is no bearer token");
        co_return co_await cache_.find(std::move(token));
    }

private:
    asio::awaitable<token_result> ask(std::string token);
    // The endpoint, or why it is not known. One that was found stays good if the metadata cannot be read again.
    asio::awaitable<std::expected<std::string, std::string>> find_endpoint(
        std::chrono::steady_clock::time_point deadline);
    token_result judge(const net::http_response& response) const;

    token_rules rules_;
    std::string authorization_;
    server_access access_;
    std::string endpoint_;
    std::chrono::steady_clock::time_point endpoint_until_{};
    answer_cache cache_;
};

asio::awaitable<std::expected<std::string, std::string>> introspection_checker::find_endpoint(
    std::chrono::steady_clock::time_point deadline) {
    const auto now = access_.time.steady();
    if (endpoint_.empty() || now >= endpoint_until_) {
        const auto metadata = co_await find_server_metadata(rules_.issuer, access_, deadline);
        if (metadata && !metadata->introspection_endpoint.empty()) {
            endpoint_ = metadata->introspection_endpoint;
            endpoint_until_ = now + endpoint_for;
        } else if (endpoint_.empty()) {
            co_return std::unexpected(metadata
                                          ? "The authorization server's metadata names no https introspection_endpoint."
                                          : metadata.error());
        }
    }
    co_return endpoint_;
}

asio::awaitable<token_result> introspection_checker::ask(std::string token) {
    const auto deadline = std::chrono::steady_clock::now() + question_time;
    const auto endpoint = co_await find_endpoint(deadline);
    if (!endpoint) co_return unavailable(endpoint.error());
    auto request = net::guarded_request(*endpoint, access_.guard);
    request.method = "POST";
    request.fields.add("Authorization", authorization_);
    request.fields.add("Content-Type", "application/x-www-form-urlencoded");
    request.body = "token=" + form_encode(token) + "&token_type_hint=access_token";
    request.timeout = net::time_left(deadline);
    request.body_bytes_max = answer_bytes_max;
    const auto got = co_await access_.fetch(std::move(request));
    if (!got) co_return unavailable(got.error().message);
    co_return judge(*got);
}

token_result introspection_checker::judge(const net::http_response& response) const {
    if (response.status == 401)
        return unavailable("The authorization server does not take the hub's client id and secret for introspection.");
    if (response.status != 200)
        return unavailable(fmt::format("The authorization server answers {} to an introspection.", response.status));
    const json answer = json::parse(response.body, nullptr, false);
    const auto active = answer.is_object() ? answer.find("active") : answer.end();
    if (!answer.is_object() || active == answer.end() || !active->is_boolean())
        return unavailable("The authorization server's introspection is no answer by RFC 7662.");
    if (!active->get<bool>()) return invalid("its server says that it is not active");
    const auto type = answer.find("token_type");
    const bool bearer = type == answer.end() || *type == "Bearer" || *type == "bearer" || *type == "access_token";
    if (!bearer) return invalid("it is no bearer token of its server");
    const auto now = std::chrono::system_clock::to_time_t(access_.time.wall());
    auto claims = check_claims(answer, rules_, now, claims_of::introspection);
    if (!claims) return invalid(std::move(claims.error()));
    return std::move(*claims);
}

class authkit_checker final : public token_checker {
public:
    authkit_checker(asio::any_io_executor executor, std::string issuer, std::vector<std::string> scopes,
                    server_access access)
        : issuer_(std::move(issuer)),
          scopes_(std::move(scopes)),
          access_(std::move(access)),
          cache_(
              std::move(executor), [this](std::string token) { return ask(std::move(token)); }, userinfo_for,
              access_.time) {}

    asio::awaitable<token_result> check(std::string token) override {
        if (!token.starts_with("mat_") || !is_bearer_token(token)) co_return invalid("it is no token of an AuthKit");
        co_return co_await cache_.find(std::move(token));
    }

private:
    asio::awaitable<token_result> ask(std::string token) {
        auto request = net::guarded_request(issuer_ + "/oauth/userinfo", access_.guard);
        request.fields.add("Authorization", "Bearer " + token);
        request.timeout = question_time;
        request.body_bytes_max = answer_bytes_max;
        const auto got = co_await access_.fetch(std::move(request));
        if (!got) co_return unavailable(got.error().message);
        co_return judge(*got);
    }

    token_result judge(const net::http_response& response) const {
        if (response.status == 401) return invalid("its server does not know it");
        if (response.status != 200)
            return unavailable(fmt::format("The AuthKit answers {} for a token's user.", response.status));
        const json answer = json::parse(response.body, nullptr, false);
        const auto subject = answer.is_object() ? answer.find("sub") : answer.end();
        if (!answer.is_object() || subject == answer.end() || !subject->is_string())
            return unavailable("The AuthKit's answer names no user.");
        token_claims claims;
        claims.issuer = issuer_;
        claims.subject = subject->get<std::string>();
        claims.scopes = scopes_;
        if (claims.subject.empty() || claims.subject.size() > subject_bytes_max)
            return invalid("its sub is missing or too long");
        return claims;
    }

    std::string issuer_;
    std::vector<std::string> scopes_;
    server_access access_;
    answer_cache cache_;
};

}  // namespace

std::unique_ptr<token_checker> make_introspection_checker(asio::any_io_executor executor, token_rules rules,
                                                          introspection_client client, server_access access) {
    return std::make_unique<introspection_checker>(std::move(executor), std::move(rules), client, std::move(access));
}

std::unique_ptr<token_checker> make_authkit_checker(asio::any_io_executor executor, std::string issuer,
                                                    std::vector<std::string> scopes, server_access access) {
    return std::make_unique<authkit_checker>(std::move(executor), std::move(issuer), std::move(scopes),
                                             std::move(access));
}

}  // namespace common::auth
