#include "common/auth/answer_cache.hpp"

#include "common/crypto/digest.hpp"

namespace common::auth {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds bad_for(5);
constexpr std::size_t questions_max = 64;

}  // namespace

answer_cache::answer_cache(asio::any_io_executor executor, ask_function ask, std::chrono::seconds good_for, clocks time,
                           std::size_t entries_max)
    : ask_(std::move(ask)),
      good_for_(good_for),
      time_(std::move(time)),
      entries_max_(entries_max),
      questions_(std::move(executor)) {}

asio::awaitable<token_result> answer_cache::find(std::string token) {
    const std::string hash = crypto::sha256(token);
    if (auto answer = kept(good_, hash)) co_return std::move(*answer);
    if (auto answer = kept(bad_, hash)) co_return std::move(*answer);
    if (questions_.under_way() >= questions_max && !questions_.is_under_way(hash))
        co_return std::unexpected(token_error{token_errc::unavailable, "too many tokens are being checked"});
    std::function<asio::awaitable<token_result>()> task = [this, token, hash] { return ask(token, hash); };
    co_return co_await questions_.run(hash, std::move(task));
}

asio::awaitable<token_result> answer_cache::ask(std::string token, std::string hash) {
    // It counts from before the question: what the server said may be as old as that.
    const auto asked_at = time_.steady();
    auto answer = co_await ask_(std::move(token));
    if (answer) {
        auto good_for = good_for_;
        const auto now = std::chrono::system_clock::to_time_t(time_.wall());
        if (answer->expires_at != 0) good_for = std::min(good_for, std::chrono::seconds(answer->expires_at - now));
        keep(good_, hash, {answer, asked_at + good_for});
    } else if (answer.error().code == token_errc::invalid) {
        keep(bad_, hash, {answer, asked_at + bad_for});
    }
    co_return answer;
}

std::optional<token_result> answer_cache::kept(const table& entries, const std::string& hash) const {
    const auto found = entries.find(hash);
    if (found == entries.end() || found->second.until <= time_.steady()) return std::nullopt;
    return found->second.answer;
}

void answer_cache::keep(table& entries, const std::string& hash, entry fresh) {
    if (entries.size() >= entries_max_) {
        const auto now = time_.steady();
        std::erase_if(entries, [&](const auto& each) { return each.second.until <= now; });
    }
    // Hashes have no order that means anything: the first is any.
    if (entries.size() >= entries_max_) entries.erase(entries.begin());
    entries.insert_or_assign(hash, std::move(fresh));
}

}  // namespace common::auth
