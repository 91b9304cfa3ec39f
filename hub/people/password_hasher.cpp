#include "hub/people/password_hasher.hpp"

#include <utility>

#include "common/crypto/random.hpp"
#include "hub/people/password.hpp"

namespace hub::people {

namespace {

constexpr std::size_t threads = 1;  // each
constexpr std::size_t queue_max = 64;

}  // namespace

password_hasher::password_hasher()
    : nobodys_hash_(hash_password(common::crypto::random_token(40))),
      pool_(threads, queue_max),
      suspects_(threads, queue_max, common::async::blocking_pool::priority::background) {}

boost::asio::awaitable<std::expected<std::string, common::async::pool_error>> password_hasher::hash(
    std::string password) {
    auto work = [password = std::move(password)] { return hash_password(password); };
    co_return co_await pool_.run(std::move(work));
}

boost::asio::awaitable<std::expected<bool, common::async::pool_error>> password_hasher::verify(std::string hash,
                                                                                               std::string password,
                                                                                               bool has_failed_before) {
    auto work = [this, hash = std::move(hash), password = std::move(password)] {
        const bool fits = is_password(hash.empty() ? nobodys_hash_ : hash, password);
        return fits && !hash.empty();
    };
    co_return co_await (has_failed_before ? suspects_ : pool_).run(std::move(work));
}

}  // namespace hub::people
