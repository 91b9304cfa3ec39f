#include "hub/upstream/providers.hpp"

#include <algorithm>

namespace hub::upstream {

providers::providers(boost::asio::any_io_executor executor, const std::vector<provider_options>& options,
                     std::string_view public_url, common::auth::server_access access) {
    for (const auto& one : options) {
        auto redirect_uri = callback_url(public_url, one.id);
        all_.push_back(one.kind == provider_kind::github
                           ? make_github_provider(one, std::move(redirect_uri), access)
                           : make_openid_provider(executor, one, std::move(redirect_uri), access));
    }
}

provider* providers::find(std::string_view id) const {
    const auto found = std::ranges::find_if(all_, [&](const auto& one) { return one->options().id == id; });
    return found == all_.end() ? nullptr : found->get();
}

const provider* providers::find_issuer(std::string_view issuer) const {
    const auto found = std::ranges::find_if(all_, [&](const auto& one) { return one->options().issuer == issuer; });
    return found == all_.end() ? nullptr : found->get();
}

std::vector<std::string> providers::issuers() const {
    std::vector<std::string> out;
    for (const auto& one : all_) out.push_back(one->options().issuer);
    return out;
}

boost::asio::awaitable<std::vector<std::string>> providers::form_targets() const {
    std::vector<std::string> out;
    for (const auto& one : all_) {
        auto origin = co_await one->authorization_origin();
        if (std::ranges::find(out, origin) == out.end()) out.push_back(std::move(origin));
    }
    co_return out;
}

}  // namespace hub::upstream
