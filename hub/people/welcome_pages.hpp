// GET and POST /welcome?link=czl_…: what a one-time link opens. Looking at it uses nothing up, so that mail programs that
// open links do no harm.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "hub/pages/form.hpp"
#include "hub/people/provider_pages.hpp"
#include "hub/people/services.hpp"

namespace hub::people {

class welcome_pages {
public:
    welcome_pages(services& with, provider_pages& providers) : with_(with), providers_(providers) {}

    boost::asio::awaitable<common::net::http_response> show(const common::net::http_request& request);
    boost::asio::awaitable<common::net::http_response> enter(const common::net::http_request& request);

private:
    struct shown {
        int status = 200;
        std::string secret;  // of the link
        std::string name;
        std::string email;
        std::string error;
    };
    boost::asio::awaitable<tenancy::result<link>> find(std::string secret);
    boost::asio::awaitable<common::net::http_response> introduction_page(const common::net::http_request& request,
                                                                         link what, shown typed);
    std::string providers_html(std::string_view form_token, const link& what, const shown& typed) const;
    boost::asio::awaitable<common::net::http_response> leave(const common::net::http_request& request, link what,
                                                             shown typed, std::string provider_id);
    boost::asio::awaitable<common::net::http_response> settle(const common::net::http_request& request, link what,
                                                              shown typed, std::string password);
    boost::asio::awaitable<common::net::http_response> accept(const common::net::http_request& request,
                                                              std::string secret, const pages::form& form);
    common::net::http_response invitation_page(const link& what, const std::string& secret,
                                               const std::optional<signed_in>& who) const;

    services& with_;
    provider_pages& providers_;
};

}  // namespace hub::people
