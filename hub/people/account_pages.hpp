// GET and POST /account: who you are, another password, passkeys, linked accounts, the end of all sessions.
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

class account_pages {
public:
    account_pages(services& with, const passkey_pages& passkeys, provider_pages& providers)
        : with_(with), passkeys_(passkeys), providers_(providers) {}

    boost::asio::awaitable<common::net::http_response> show(const common::net::http_request& request);
    boost::asio::awaitable<common::net::http_response> change(const common::net::http_request& request);

private:
    struct notice {
        int status = 200;
        std::string done;
        std::string error;
    };
    boost::asio::awaitable<common::net::http_response> page(signed_in who, notice said);
    boost::asio::awaitable<common::net::http_response> change_password(const common::net::http_request& request,
                                                                       signed_in who, const pages::form& form);
    boost::asio::awaitable<common::net::http_response> sign_out_everywhere(signed_in who);
    boost::asio::awaitable<common::net::http_response> link(const common::net::http_request& request, signed_in who,
                                                            std::string provider_id);

    services& with_;
    const passkey_pages& passkeys_;
    provider_pages& providers_;
};

}  // namespace hub::people
