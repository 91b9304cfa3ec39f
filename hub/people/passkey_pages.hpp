// Passkeys: what the pages show of them, and what their script posts: /passkeys/options, /passkeys/sign-in, /passkeys.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "hub/pages/form.hpp"
#include "hub/people/passkey_challenges.hpp"
#include "hub/people/services.hpp"

namespace hub::people {

class passkey_pages {
public:
    explicit passkey_pages(services& with);

    // The script for the page that shows such a form; empty where browsers give no passkeys.
    std::string_view script() const;
    // Parts of a page; empty where there are none. `form_token` is the visitor's.
    std::string sign_in_html(std::string_view form_token, std::string_view continue_at) const;
    std::string account_html(const signed_in& who, const std::vector<passkey>& keys) const;

    // A challenge, and what the browser has to know besides, as JSON.
    boost::asio::awaitable<common::net::http_response> options(const common::net::http_request& request);
    boost::asio::awaitable<common::net::http_response> sign_in(const common::net::http_request& request);
    // Adds or removes one of somebody who is signed in.
    boost::asio::awaitable<common::net::http_response> change(const common::net::http_request& request);

private:
    // Whose challenge it was and what the authenticator says, or a sentence.
    struct ceremony {
        std::string client_data;
        std::string authenticator_data;
        std::uint32_t sign_count = 0;
        std::string credential_id;  // of a new one
    };
    std::expected<ceremony, std::string> read(const pages::form& form, std::string_view type, std::string_view holder);
    boost::asio::awaitable<common::net::http_response> add(signed_in who, const pages::form& form);
    boost::asio::awaitable<common::net::http_response> remove(signed_in who, std::string id);
    boost::asio::awaitable<tenancy::result<new_session>> prove(const common::net::http_request& request,
                                                               const pages::form& form, ceremony said);

    services& with_;
    std::string origin_;
    std::optional<std::string> domain_;
    passkey_challenges challenges_;
};

}  // namespace hub::people
