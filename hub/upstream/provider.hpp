// One place with whose accounts people sign in: sends browsers there, and finds out who came back. All on one executor; what
// is awaited is outlived. Nothing of what a provider says is in a text that people or the log get.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include "common/auth/token_checker.hpp"
#include "hub/upstream/options.hpp"

namespace hub::upstream {

// What one visit is proven by: PKCE (RFC 7636), the nonce (OpenID Connect Core §3.1.2.1). Made of the visitor's token, which
// only the visitor's browser and the hub know, so that it need not be stored and nobody else can make it.
struct proof {
    std::string code_verifier;
    std::string nonce;
    std::string seal_key;  // 32 bytes: seals what is kept of the visit
};
proof make_proof(std::string_view visitor_token, std::string_view state);

struct visit_start {
    std::string state;
    proof proven_by;
    bool prove_again = false;  // who is signed in there shall prove it once more
};

// What the browser brought back.
struct visit_answer {
    std::string code;
    proof proven_by;
};

struct identity {
    std::string issuer;
    std::string subject;
    std::optional<std::int64_t> authenticated_at;  // seconds since 1970, where the provider says
};

enum class failure {
    unavailable,  // the provider cannot be asked at the moment, or the hub's client there is wrong
    refused,      // what came back is not good
};
struct problem {
    failure what = failure::refused;
    std::string log_text;
};
template <class T>
using outcome = std::expected<T, problem>;

class provider {
public:
    virtual ~provider() = default;

    const provider_options& options() const { return options_; }

    // Where a browser is sent: the origin, as far as it is known now, for a page's form-action.
    virtual boost::asio::awaitable<std::string> authorization_origin() = 0;
    virtual boost::asio::awaitable<outcome<std::string>> authorization_url(visit_start start) = 0;
    // Is an answer with this `iss` (RFC 9207), or none, an answer of this provider?
    virtual boost::asio::awaitable<outcome<void>> check_issuer(std::optional<std::string> iss) = 0;
    // Redeems the code. The provider's tokens are dropped at once.
    virtual boost::asio::awaitable<outcome<identity>> redeem(visit_answer answer) = 0;

protected:
    provider(provider_options options, std::string redirect_uri, common::auth::server_access access);

    // The query of an authorization request that all kinds have.
    std::string authorization_query(const visit_start& start) const;
    // POSTs the code and what proves that it is ours; more fields are appended to the form. The answer's JSON object.
    boost::asio::awaitable<outcome<nlohmann::json>> ask_for_token(std::string endpoint, visit_answer answer,
                                                                  common::net::http_fields fields, std::string more,
                                                                  std::chrono::steady_clock::time_point deadline);

    const provider_options options_;
    const std::string redirect_uri_;
    common::auth::server_access access_;
};

std::unique_ptr<provider> make_openid_provider(boost::asio::any_io_executor executor, provider_options options,
                                               std::string redirect_uri, common::auth::server_access access);
std::unique_ptr<provider> make_github_provider(provider_options options, std::string redirect_uri,
                                               common::auth::server_access access);

// scheme://host[:port] of an https URL.
std::string origin_of(std::string_view url);

inline constexpr std::chrono::seconds redeem_time{8};
inline constexpr std::size_t answer_bytes_max = 64 << 10;

}  // namespace hub::upstream
