// The pages that the hub itself shows in a browser: plain HTML without script, one look, one set of headers. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/net/http.hpp"

namespace hub::pages {

// For text and for attribute values in double or single quotes.
std::string escape(std::string_view text);

struct page {
    int status = 200;
    std::string title;  // plain text; also the page's heading
    std::string main;   // HTML: whatever comes from outside went through escape()
    // Where a form of this page may end through redirects, besides the hub: origins ("https://app.example.com") or
    // schemes ("cursor:"), for the policy's form-action, which browsers apply to redirects too. Others are left out.
    std::vector<std::string> form_targets{};
    common::net::http_fields more{};  // more header fields, e.g. Set-Cookie
    std::string_view script{};        // path of the one script that the page runs; it may talk to the hub
};

// Not to be kept, not to be framed, and no script, font or picture from anywhere (CSP 3).
common::net::http_response render(const page& page);

// 303 (RFC 9110 §15.4.4): the next request is a GET, whatever this one was.
common::net::http_response see_other(std::string location, common::net::http_fields more = {});

}  // namespace hub::pages
