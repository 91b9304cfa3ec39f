// OpenID Connect: who it was is in the ID token.
#include <fmt/format.h>

#include "common/auth/id_token.hpp"
#include "common/auth/key_source.hpp"
#include "common/auth/metadata_source.hpp"
#include "common/crypto/encoding.hpp"
#include "common/net/url_encoding.hpp"
#include "hub/upstream/provider.hpp"

namespace hub::upstream {
namespace asio = boost::asio;
using asio::awaitable;
using common::net::encode_component;

namespace {

std::unexpected<problem> unavailable(std::string why) {
    return std::unexpected(problem{failure::unavailable, std::move(why)});
}
std::unexpected<problem> refused(std::string why) { return std::unexpected(problem{failure::refused, std::move(why)}); }

class openid_provider final : public provider {
public:
    openid_provider(asio::any_io_executor executor, provider_options options, std::string redirect_uri,
                    common::auth::server_access access)
        : provider(std::move(options), std::move(redirect_uri), access),
          metadata_(executor, options_.issuer, access),
          keys_(std::make_shared<common::auth::key_source>(std::move(executor), options_.issuer, std::move(access))) {}

    awaitable<std::string> authorization_origin() override {
        const auto metadata = co_await metadata_.find();
        co_return origin_of(metadata && !metadata->authorization_endpoint.empty() ? metadata->authorization_endpoint
                                                                                  : options_.issuer);
    }

    awaitable<outcome<std::string>> authorization_url(visit_start start) override {
        const auto metadata = co_await metadata_.find();
        if (!metadata) co_return unavailable(metadata.error());
        const std::string& endpoint = metadata->authorization_endpoint;
        if (endpoint.empty()) co_return unavailable("its metadata names no https authorization_endpoint");
        std::string url =
            fmt::format("{}{}response_type=code&scope=openid&{}&nonce={}", endpoint, endpoint.contains('?') ? "&" : "?",
                        authorization_query(start), start.proven_by.nonce);
        if (start.prove_again) url += "&prompt=login&max_age=0";
        co_return url;
    }

    awaitable<outcome<void>> check_issuer(std::optional<std::string> iss) override {
        if (iss && *iss != options_.issuer) co_return refused("the answer is of another issuer");
        if (iss) co_return outcome<void>();
        const auto metadata = co_await metadata_.find();
        if (!metadata) co_return unavailable(metadata.error());
        if (metadata->sends_issuer) co_return refused("the answer has no iss, which it always sends");
        co_return outcome<void>();
    }

    awaitable<outcome<identity>> redeem(visit_answer answer) override {
        const auto deadline = std::chrono::steady_clock::now() + redeem_time;
        const auto metadata = co_await metadata_.find();
        if (!metadata) co_return unavailable(metadata.error());
        if (metadata->token_endpoint.empty()) co_return unavailable("its metadata names no https token_endpoint");
        if (!metadata->takes_basic && !metadata->takes_post)
            co_return unavailable("it takes a client secret neither by client_secret_basic nor by client_secret_post");
        common::net::http_fields fields{{"Accept", "application/json"}};
        std::string more;
        const std::string id = encode_component(options_.client_id);
        const std::string secret = encode_component(options_.client_secret);
        // RFC 6749 §2.3.1: form-encoded first.
        if (metadata->takes_basic)
            fields.add("Authorization", "Basic " + common::crypto::base64_encode(id + ":" + secret));
        else
            more = "&client_id=" + id + "&client_secret=" + secret;
        const proof proven_by = answer.proven_by;
        const auto body = co_await ask_for_token(metadata->token_endpoint, std::move(answer), std::move(fields),
                                                 std::move(more), deadline);
        if (!body) co_return std::unexpected(body.error());
        const auto token = body->find("id_token");
        if (token == body->end() || !token->is_string()) co_return refused("its answer has no id_token");
        co_return co_await judge(token->get<std::string>(), proven_by.nonce);
    }

private:
    awaitable<outcome<identity>> judge(std::string token, std::string nonce) {
        const auto read = common::auth::read_id_token(token);
        if (!read) co_return refused("its id_token: " + read.error());
        const auto found = co_await keys_->find(read->kid);
        if (!found.keys) co_return unavailable(found.why_not);
        const auto now = std::chrono::system_clock::to_time_t(access_.time.wall());
        const auto claims = common::auth::check_id_token(*read, *found.keys,
                                                         {options_.issuer, options_.client_id, std::move(nonce)}, now);
        if (!claims) co_return refused("its id_token: " + claims.error());
        co_return identity{options_.issuer, claims->subject, claims->authenticated_at};
    }

    common::auth::metadata_source metadata_;
    std::shared_ptr<common::auth::key_source> keys_;
};

}  // namespace

std::unique_ptr<provider> make_openid_provider(asio::any_io_executor executor, provider_options options,
                                               std::string redirect_uri, common::auth::server_access access) {
    return std::make_unique<openid_provider>(std::move(executor), std::move(options), std::move(redirect_uri),
                                             std::move(access));
}

}  // namespace hub::upstream
