#include "hub/people/people_pages.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/net/web_origin.hpp"
#include "hub/pages/assets.hpp"
#include "hub/pages/html.hpp"
#include "hub/people/parts.hpp"

namespace hub::people {

using common::net::http_request;
using common::net::http_response;

namespace {

constexpr std::array<std::string_view, 4> paths{"/", "/sign-in", "/welcome", "/account"};
// Nobody looks at these.
constexpr std::array<std::string_view, 4> posted{"/sign-out", "/passkeys", "/passkeys/options", "/passkeys/sign-in"};

// A loopback name that is not the public URL's has other cookies, and its forms would not count as the hub's own.
bool is_elsewhere(const http_request& request, std::string_view public_url) {
    const auto scheme = public_url.substr(0, public_url.find("://") + 3);
    const auto host = request.fields.find("Host").value_or(std::string_view());
    return common::net::normal_origin(std::string(scheme) + std::string(host)) !=
           common::net::normal_origin(public_url);
}

}  // namespace

people_pages::people_pages(services with) : with_(std::move(with)) {}

bool people_pages::serves(std::string_view path) {
    return std::ranges::find(paths, path) != paths.end() || std::ranges::find(posted, path) != posted.end() ||
           path.starts_with(upstream::callback_path) || pages::find_asset(path).has_value();
}

boost::asio::awaitable<void> people_pages::handle(common::net::http_exchange& exchange) {
    auto response = co_await answer(exchange.request());
    co_await exchange.respond(std::move(response));
}

boost::asio::awaitable<http_response> people_pages::answer(const http_request& request) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (auto asset = pages::find_asset(request.path)) {
        if (!reads) co_return not_allowed_page("GET, HEAD");
        co_return std::move(*asset);
    }
    const std::string_view path = request.path;
    if (std::ranges::find(posted, path) != posted.end()) co_return co_await take_post(request);
    const bool comes_back = path.starts_with(upstream::callback_path);
    if (comes_back && request.method != "GET") co_return not_allowed_page("GET");
    if (!reads && request.method != "POST") co_return not_allowed_page("GET, HEAD, POST");
    if (reads && is_elsewhere(request, with_.public_url))
        co_return pages::see_other(with_.public_url + request.path +
                                   (request.query.empty() ? "" : "?" + request.query));
    if (comes_back) co_return co_await providers_.come_back(request);
    if (path == "/") co_return reads ? pages::see_other("/account") : not_allowed_page("GET, HEAD");
    if (path == "/sign-in") co_return co_await (reads ? sign_in_.show(request) : sign_in_.sign_in(request));
    if (path == "/welcome") co_return co_await (reads ? welcome_.show(request) : welcome_.enter(request));
    co_return co_await (reads ? account_.show(request) : account_.change(request));
}

boost::asio::awaitable<http_response> people_pages::take_post(const http_request& request) {
    if (request.method != "POST") co_return not_allowed_page("POST");
    if (request.path == "/sign-out") co_return co_await sign_in_.sign_out(request);
    if (request.path == "/passkeys/options") co_return co_await passkeys_.options(request);
    if (request.path == "/passkeys/sign-in") co_return co_await passkeys_.sign_in(request);
    co_return co_await passkeys_.change(request);
}

}  // namespace hub::people
