// The pages of people: / (which is /account), /sign-in and its callbacks, /sign-out, /welcome, /account, /passkeys and what they load. One for the program.
#pragma once

#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "hub/people/account_pages.hpp"
#include "hub/people/passkey_pages.hpp"
#include "hub/people/provider_pages.hpp"
#include "hub/people/services.hpp"
#include "hub/people/sign_in_pages.hpp"
#include "hub/people/welcome_pages.hpp"

namespace hub::people {

class people_pages {
public:
    explicit people_pages(services with);
    people_pages(const people_pages&) = delete;
    people_pages& operator=(const people_pages&) = delete;

    static bool serves(std::string_view path);
    // A request with such a path.
    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange);

private:
    boost::asio::awaitable<common::net::http_response> answer(const common::net::http_request& request);
    boost::asio::awaitable<common::net::http_response> take_post(const common::net::http_request& request);

    services with_;
    passkey_pages passkeys_{with_};
    provider_pages providers_{with_};
    sign_in_pages sign_in_{with_, passkeys_, providers_};
    welcome_pages welcome_{with_, providers_};
    account_pages account_{with_, passkeys_, providers_};
};

}  // namespace hub::people
