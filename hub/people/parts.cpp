#include "hub/people/parts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hub/pages/form.hpp"
#include "hub/people/password.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::people {

using common::net::http_response;
using pages::escape;

namespace {

constexpr std::size_t path_bytes_max = 4096;

}  // namespace

std::string input_html(const text_input& input) {
    return fmt::format(
        "<label for=\"{0}\">{1}</label>\n<input id=\"{0}\" name=\"{0}\" type=\"{2}\" autocomplete=\"{3}\" value=\"{4}\" "
        "{5}>\n",
        escape(input.name), escape(input.label), escape(input.type), escape(input.autocomplete), escape(input.value),
        input.more);
}

std::string new_password_html() {
    const std::string hint = fmt::format(
        "<p class=\"note\" id=\"password-hint\">At least {} characters. A few words that do not belong "
        "together are easy to remember.</p>\n",
        password_characters_min);
    return input_html({.label = "New password",
                       .name = "new_password",
                       .type = "password",
                       .autocomplete = "new-password",
                       .more = "required aria-describedby=\"password-hint\""}) +
           hint +
           input_html({.label = "The same again",
                       .name = "repeated_password",
                       .type = "password",
                       .autocomplete = "new-password",
                       .more = "required"});
}

std::string error_html(std::string_view text) {
    if (text.empty()) return {};
    return fmt::format("<p class=\"error\" role=\"alert\">{}</p>\n", escape(text));
}

std::string local_path(std::string_view wanted) {
    // Browsers take "//" and "/\" for the beginning of a host, and drop tabs and line ends before they look.
    const bool harmless = std::ranges::all_of(wanted, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte < 0x7f && c != '\\';
    });
    const bool local = wanted.starts_with('/') && !wanted.starts_with("//");
    if (!harmless || !local || wanted.size() > path_bytes_max) return "/account";
    return std::string(wanted);
}

std::string sign_in_path(std::string_view continue_at) {
    return "/sign-in?continue=" + pages::encode_component(continue_at);
}

std::string confirm_path(std::string_view continue_at) { return sign_in_path(continue_at) + "&again=1"; }

std::string wait_sentence(std::chrono::milliseconds wait) {
    const auto minutes = std::chrono::ceil<std::chrono::minutes>(wait).count();
    return fmt::format("There were too many attempts. Try again in {} minute{}.", minutes, minutes == 1 ? "" : "s");
}

http_response trouble_page(const tenancy::error& e) {
    using tenancy::errc;
    pages::page page;
    page.title = "That did not work";
    page.main = error_html(e.message);
    switch (e.code) {
        case errc::unavailable:
        case errc::in_doubt:
            page.status = 503;
            page.more.add("Retry-After", "1");
            break;
        case errc::failed:
            page.status = 500;
            break;
        default:
            page.status = 404;
    }
    return pages::render(page);
}

http_response foreign_form_page() {
    pages::page page{.status = 403, .title = "Please try again", .main = {}};
    page.main =
        "<p>This form does not come from a page that the hub showed to this browser, or that was too long ago. Nothing "
        "was changed.</p>\n<p><a href=\"/account\">Go on</a></p>";
    return pages::render(page);
}

http_response not_allowed_page(std::string_view allowed) {
    pages::page page{
        .status = 405, .title = "This cannot be done here", .main = "<p><a href=\"/account\">Go on</a></p>"};
    page.more.add("Allow", std::string(allowed));
    return pages::render(page);
}

}  // namespace hub::people
