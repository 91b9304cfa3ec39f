// All the places with whose accounts people may sign in, in the operator's order. One for the program, on one executor.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "hub/upstream/provider.hpp"

namespace hub::upstream {

class providers {
public:
    // `public_url` without a trailing slash.
    providers(boost::asio::any_io_executor executor, const std::vector<provider_options>& options,
              std::string_view public_url, common::auth::server_access access);

    bool empty() const { return all_.empty(); }
    const std::vector<std::unique_ptr<provider>>& all() const { return all_; }
    // Null: there is none of that id.
    provider* find(std::string_view id) const;
    const provider* find_issuer(std::string_view issuer) const;
    std::vector<std::string> issuers() const;

    // Origins to which a page with a form for each of them may lead.
    boost::asio::awaitable<std::vector<std::string>> form_targets() const;

private:
    std::vector<std::unique_ptr<provider>> all_;
};

}  // namespace hub::upstream
