// GitHub, which is no OpenID Connect provider: an access token asks its API who it was. Numbers of accounts stay, names do not.
#include <fmt/format.h>

#include "common/net/connector.hpp"
#include "common/net/fetch_guard.hpp"
#include "common/net/url_encoding.hpp"
#include "hub/upstream/provider.hpp"

namespace hub::upstream {
using boost::asio::awaitable;
using common::net::encode_component;
using nlohmann::json;

namespace {

constexpr std::size_t token_bytes_max = 1024;

std::unexpected<problem> unavailable(std::string why) {
    return std::unexpected(problem{failure::unavailable, std::move(why)});
}
std::unexpected<problem> refused(std::string why) { return std::unexpected(problem{failure::refused, std::move(why)}); }

bool is_bearer(std::string_view token) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    return !token.empty() && token.size() <= token_bytes_max &&
           token.find_first_not_of(allowed) == std::string_view::npos;
}

class github_provider final : public provider {
public:
    github_provider(provider_options options, std::string redirect_uri, common::auth::server_access access)
        : provider(std::move(options), std::move(redirect_uri), std::move(access)) {}

    awaitable<std::string> authorization_origin() override { co_return options_.issuer; }

    // It knows neither `prompt=login` nor `max_age`: somebody who is signed in there is not asked again.
    awaitable<outcome<std::string>> authorization_url(visit_start start) override {
        co_return options_.issuer + "/login/oauth/authorize?response_type=code&" + authorization_query(start);
    }

    awaitable<outcome<void>> check_issuer(std::optional<std::string> iss) override {
        if (iss && *iss != options_.issuer && *iss != options_.issuer + "/login/oauth")
            co_return refused("the answer is of another issuer");
        co_return outcome<void>();
    }

    awaitable<outcome<identity>> redeem(visit_answer answer) override {
        const auto deadline = std::chrono::steady_clock::now() + redeem_time;
        const auto body = co_await ask_for_token(options_.issuer + "/login/oauth/access_token", std::move(answer),
                                                 {{"Accept", "application/json"}},
                                                 "&client_id=" + encode_component(options_.client_id) +
                                                     "&client_secret=" + encode_component(options_.client_secret),
                                                 deadline);
        if (!body) co_return std::unexpected(body.error());
        const auto token = body->find("access_token");
        if (token == body->end() || !token->is_string() || !is_bearer(token->get_ref<const std::string&>()))
            co_return refused("its answer has no access token");
        co_return co_await ask_who(token->get<std::string>(), deadline);
    }

private:
    std::string user_url() const {
        return options_.issuer == "https://github.com" ? "https://api.github.com/user"
                                                       : options_.issuer + "/api/v3/user";
    }

    awaitable<outcome<identity>> ask_who(std::string token, std::chrono::steady_clock::time_point deadline) {
        auto request = common::net::guarded_request(user_url(), access_.guard);
        request.fields.add("Accept", "application/vnd.github+json");
        request.fields.add("Authorization", "Bearer " + token);
        request.fields.add("User-Agent", "codez-hub");  // it answers nobody without one
        request.timeout = common::net::time_left(deadline);
        request.body_bytes_max = answer_bytes_max;
        const auto got = co_await access_.fetch(std::move(request));
        if (!got) co_return unavailable(got.error().message);
        if (got->status != 200) co_return unavailable(fmt::format("its API answers {} for the user", got->status));
        const json user = json::parse(got->body, nullptr, false);
        const auto id = user.is_object() ? user.find("id") : user.end();
        if (!user.is_object() || id == user.end() || !id->is_number_unsigned() || *id == 0U)
            co_return refused("its API names no user");
        co_return identity{options_.issuer, std::to_string(id->get<std::uint64_t>()), std::nullopt};
    }
};

}  // namespace

std::unique_ptr<provider> make_github_provider(provider_options options, std::string redirect_uri,
                                               common::auth::server_access access) {
    return std::make_unique<github_provider>(std::move(options), std::move(redirect_uri), std::move(access));
}

}  // namespace hub::upstream
