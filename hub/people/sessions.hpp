// Who is signed in in the browser that sends a request, and whether one of the hub's own pages sent it. The cookie is
// "__Host-codez" (RFC 6265bis §4.1.3) where the public URL is https; over plain http, which browsers let have neither the
// prefix nor Secure, it is "codez_" and the port, since cookies do not tell ports apart.
// Thread-safe; coroutines complete on the executor of whoever awaits, SQL runs on the pool.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/net/http.hpp"
#include "hub/pages/form.hpp"
#include "hub/people/store.hpp"

namespace hub::people {

struct signed_in {
    std::string user_id;
    std::string name;
    std::string email;
    std::string session_id;
    std::int64_t authenticated_at = 0;  // ms since 1970
    // Put it into every form of this person's pages (form_token_field), and let only posts with it act.
    std::string form_token;
};

// Has this person proven who it is within the last ten minutes? If not: /sign-in?continue=…&again=1 first.
constexpr std::int64_t fresh_ms = 10LL * 60 * 1000;
inline bool is_fresh(const signed_in& who, std::int64_t now_ms) { return now_ms - who.authenticated_at < fresh_ms; }

class sessions {
public:
    // `public_url` without a trailing slash. Store and pool outlive the sessions and every find() under way.
    sessions(std::string_view public_url, store& people, common::async::blocking_pool& pool);

    boost::asio::awaitable<std::expected<std::optional<signed_in>, tenancy::error>> find(
        const common::net::http_request& request);

    // Did a page of the hub, shown to this person in this session, send the form? Judges Origin, or Sec-Fetch-Site where
    // a browser sends none, and the form's token. Nothing that changes anything goes on without it.
    bool posted_by_own_page(const common::net::http_request& request, const signed_in& who,
                            const pages::form& form) const {
        return posted_by_own_page(request, who.form_token, form);
    }
    bool posted_by_own_page(const common::net::http_request& request, std::string_view form_token,
                            const pages::form& form) const;

    // The session's secret as the browser sent it, well-formed or empty; it may be nobody's.
    std::string secret_of(const common::net::http_request& request) const { return read_cookie(request, name_); }
    // The values of Set-Cookie fields.
    std::string set_cookie(std::string_view secret) const;
    std::string clear_cookie() const;

    // Before somebody is signed in, forms are bound to a cookie of their own: its secret, or a fresh one to be set.
    struct visitor {
        std::string form_token;
        std::string set_cookie;  // empty: the browser has it
    };
    visitor visitor_of(const common::net::http_request& request) const;

private:
    std::string read_cookie(const common::net::http_request& request, std::string_view name) const;
    std::string cookie(std::string_view name, std::string_view value, std::int64_t max_age_s) const;

    std::string origin_;
    bool secure_;
    std::string name_;
    std::string visitor_name_;
    store& people_;
    common::async::blocking_pool& pool_;
};

// A hidden input.
std::string form_token_field(std::string_view token);

}  // namespace hub::people
