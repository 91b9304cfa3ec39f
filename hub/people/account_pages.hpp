// GET and POST /account: who you are, another password, passkeys, the end of all sessions.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "hub/pages/form.hpp"
#include "hub/people/passkey_pages.hpp"
#include "hub/people/services.hpp"

namespace hub::people {

class account_pages {
public:
    account_pages(services& with, const passkey_pages& passkeys) : with_(with), passkeys_(passkeys) {}

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

    services& with_;
    const passkey_pages& passkeys_;
};

}  // namespace hub::people
