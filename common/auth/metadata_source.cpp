#include "common/auth/metadata_source.hpp"

namespace common::auth {
namespace asio = boost::asio;
using std::chrono::seconds;

namespace {

constexpr seconds kept(3600);
constexpr seconds failure_pause(10);
constexpr seconds fetch_time(3);

}  // namespace

metadata_source::metadata_source(asio::any_io_executor executor, std::string issuer, server_access access)
    : issuer_(std::move(issuer)),
      access_(std::move(access)),
      fetches_(std::move(executor)),
      found_(std::unexpected("The metadata was not asked for yet.")) {}

asio::awaitable<metadata_source::result> metadata_source::find() {
    if (access_.time.steady() >= ask_again_at_ || fetches_.is_under_way("")) {
        std::function<asio::awaitable<bool>()> task = [this] { return refresh(); };
        std::ignore = co_await fetches_.run("", std::move(task));
    }
    co_return found_;
}

asio::awaitable<bool> metadata_source::refresh() {
    auto got = co_await find_server_metadata(issuer_, access_, std::chrono::steady_clock::now() + fetch_time);
    ask_again_at_ = access_.time.steady() + (got ? kept : failure_pause);
    const bool good = got.has_value();
    if (good || !found_) found_ = std::move(got);
    co_return good;
}

}  // namespace common::auth
