// GET and POST /sign-in, POST /sign-out.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "hub/pages/form.hpp"
#include "hub/people/passkey_pages.hpp"
#include "hub/people/provider_pages.hpp"
#include "hub/people/services.hpp"

namespace hub::people {

class sign_in_pages {
public:
    sign_in_pages(services& with, const passkey_pages& passkeys, provider_pages& providers)
        : with_(with), passkeys_(passkeys), providers_(providers) {}

    // ?continue=PATH: where to go then. ?again=1: asks for the password also of somebody who is signed in, and providers of
    // accounts to ask anew.
    boost::asio::awaitable<common::net::http_response> show(const common::net::http_request& request);
    boost::asio::awaitable<common::net::http_response> sign_in(const common::net::http_request& request);
    boost::asio::awaitable<common::net::http_response> sign_out(const common::net::http_request& request);

private:
    struct shown {
        int status = 200;
        std::string email;
        std::string continue_at;
        std::string error;
        bool again = false;  // who it is, is known
        bool prove = false;  // a session at a provider is not enough
    };
    boost::asio::awaitable<common::net::http_response> page(const common::net::http_request& request, shown what);
    std::string providers_html(std::string_view form_token, const shown& what) const;
    boost::asio::awaitable<common::net::http_response> leave(const common::net::http_request& request,
                                                             const pages::form& form);
    // The account whose password this is; whether there is one, or it has another password, makes no difference.
    boost::asio::awaitable<tenancy::result<account>> prove(const common::net::http_request& request, std::string email,
                                                           std::string password);
    boost::asio::awaitable<common::net::http_response> try_password(const common::net::http_request& request,
                                                                    shown what, std::string password);

    services& with_;
    const passkey_pages& passkeys_;
    provider_pages& providers_;
};

}  // namespace hub::people
