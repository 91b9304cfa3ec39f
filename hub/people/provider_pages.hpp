// Signing in with an account elsewhere: what the pages show of it, where they lead to, and GET /sign-in/callback/ID, where
// browsers come back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "hub/people/services.hpp"

namespace hub::people {

class provider_pages {
public:
    explicit provider_pages(services& with) : with_(with) {}

    // Buttons of a form: its field `provider` is the id of the one that was pressed. Empty where there is no provider.
    // `form_targets` of the page are those of with.providers.
    std::string buttons_html(std::string_view verb) const;
    std::string account_html(const signed_in& who, const std::vector<linked_account>& linked) const;

    // What was asked for by a form of our own page; `visitor` is what that page is bound to.
    struct departure {
        std::string provider_id;
        std::string visitor;
        upstream::purpose what_for = upstream::purpose::sign_in;
        std::string continue_at;
        std::string user_id{};    // as of upstream::visit
        std::string link_hash{};  // likewise
        introduction who{};
    };
    // Leads the browser to the provider.
    boost::asio::awaitable<common::net::http_response> leave(const common::net::http_request& request, departure what);
    boost::asio::awaitable<common::net::http_response> come_back(const common::net::http_request& request);
    boost::asio::awaitable<common::net::http_response> unlink(signed_in who, std::string id);

private:
    // Who came back, by which visit.
    struct arrival {
        upstream::visit visit;
        upstream::proof proven_by;
        std::string continue_at;
    };
    using stopped = common::net::http_response;

    boost::asio::awaitable<std::expected<arrival, stopped>> recognise(const common::net::http_request& request,
                                                                      const upstream::provider& at, std::string state);
    boost::asio::awaitable<common::net::http_response> judge(const common::net::http_request& request,
                                                             upstream::provider& at, const pages::form& answer);
    boost::asio::awaitable<common::net::http_response> settle(const common::net::http_request& request,
                                                              const upstream::provider& at, arrival back,
                                                              upstream::identity who);
    boost::asio::awaitable<common::net::http_response> sign_in(const common::net::http_request& request,
                                                               const upstream::provider& at, arrival back,
                                                               outside_account who);
    boost::asio::awaitable<common::net::http_response> welcome(const common::net::http_request& request,
                                                               const upstream::provider& at, arrival back,
                                                               outside_account who);

    services& with_;
};

}  // namespace hub::people
