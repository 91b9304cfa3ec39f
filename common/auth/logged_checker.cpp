#include "common/auth/logged_checker.hpp"

#include <chrono>
#include <utility>

namespace common::auth {

namespace {

constexpr std::chrono::seconds log_every(10);

class logged_checker final : public token_checker {
public:
    logged_checker(std::unique_ptr<token_checker> checker, log::logger& log)
        : checker_(std::move(checker)), log_(log) {}

    boost::asio::awaitable<token_result> check(std::string token) override {
        auto checked = co_await checker_->check(std::move(token));
        if (checked) co_return checked;
        if (checked.error().code == token_errc::invalid) {
            log_.debug("a token of the authorization server was refused", {{"why", checked.error().log_text}});
        } else if (const auto now = std::chrono::steady_clock::now(); now >= next_log_) {
            next_log_ = now + log_every;
            log_.error("the authorization server cannot be asked", {{"why", checked.error().log_text}});
        }
        co_return checked;
    }

private:
    std::unique_ptr<token_checker> checker_;
    log::logger& log_;
    std::chrono::steady_clock::time_point next_log_{};
};

}  // namespace

std::unique_ptr<token_checker> make_logged(std::unique_ptr<token_checker> checker, log::logger& log) {
    return std::make_unique<logged_checker>(std::move(checker), log);
}

}  // namespace common::auth
