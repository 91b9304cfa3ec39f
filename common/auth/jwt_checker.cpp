// JWTs, by the server's keys.
#include "common/auth/key_source.hpp"
#include "common/auth/token_checker.hpp"

namespace common::auth {
namespace asio = boost::asio;

namespace {

std::unexpected<token_error> invalid(std::string why) {
    return std::unexpected(token_error{token_errc::invalid, std::move(why)});
}

class jwt_checker final : public token_checker {
public:
    jwt_checker(asio::any_io_executor executor, token_rules rules, server_access access)
        : rules_(std::move(rules)),
          time_(access.time),
          keys_(std::make_shared<key_source>(std::move(executor), rules_.issuer, std::move(access))) {}

    asio::awaitable<token_result> check(std::string token) override {
        const auto read = read_token(token, rules_);
        if (!read) co_return invalid(read.error());
        const auto now = std::chrono::system_clock::to_time_t(time_.wall());
        // What nobody could make good does not make us fetch.
        const auto claims = check_claims(read->claims, rules_, now, claims_of::token);
        if (!claims) co_return invalid(claims.error());
        const auto found = co_await keys_->find(read->kid);
        if (!found.keys) co_return std::unexpected(token_error{token_errc::unavailable, found.why_not});
        auto checked = check_token(*read, *found.keys, rules_, now);
        if (!checked) co_return invalid(checked.error());
        co_return std::move(*checked);
    }

private:
    token_rules rules_;
    clocks time_;
    std::shared_ptr<key_source> keys_;
};

}  // namespace

std::unique_ptr<token_checker> make_jwt_checker(asio::any_io_executor executor, token_rules rules,
                                                server_access access) {
    return std::make_unique<jwt_checker>(std::move(executor), std::move(rules), std::move(access));
}

}  // namespace common::auth
