// Pieces of the pages of people. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/net/http.hpp"
#include "hub/pages/html.hpp"
#include "hub/tenancy/records.hpp"

namespace hub::people {

struct text_input {
    std::string_view label;
    std::string_view name;  // also its id
    std::string_view type = "text";
    std::string_view autocomplete = "off";
    std::string_view value{};
    std::string_view more{};  // attributes, e.g. "required autofocus"
};
// With its label; escapes what is given, but for `more`.
std::string input_html(const text_input& input);
// A new password, twice.
std::string new_password_html();

// Read out when it appears; nothing for an empty text.
std::string error_html(std::string_view text);

// Where a page goes on to: a path of the hub, or /account. Nothing that a browser could take for another place.
std::string local_path(std::string_view wanted);

std::string sign_in_path(std::string_view continue_at);
// The same, and who is there shall prove it now, also if signed in.
std::string confirm_path(std::string_view continue_at);

// "There were too many attempts. …"
std::string wait_sentence(std::chrono::milliseconds wait);

// 503, 404 or what fits; the database's words are not in it.
common::net::http_response trouble_page(const tenancy::error& e);
common::net::http_response foreign_form_page();
common::net::http_response not_allowed_page(std::string_view allowed);

}  // namespace hub::people
