#include "hub/pages/html.hpp"

#include <fmt/format.h>

namespace hub::pages {

using common::net::http_fields;
using common::net::http_response;

namespace {

// What ends a source or the directive in the policy would let a client's redirect URI write policy of its own.
bool is_form_target(std::string_view target) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.:/[]_~%";
    return target.contains(':') && target.find_first_not_of(allowed) == std::string_view::npos;
}

std::string policy_of(const page& page) {
    std::string policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'";
    for (const auto& target : page.form_targets)
        if (is_form_target(target)) policy += " " + target;
    if (!page.script.empty()) policy += "; script-src 'self'; connect-src 'self'";
    return policy + "; frame-ancestors 'none'; base-uri 'none'";
}

void add_safety(http_fields& fields) {
    fields.add("X-Content-Type-Options", "nosniff");
    fields.add("X-Frame-Options", "DENY");
    // With "no-referrer" browsers would send forms with "Origin: null" (Fetch, "append a request Origin header"), and
    // nobody could tell the hub's own forms from others'.
    fields.add("Referrer-Policy", "same-origin");
    fields.add("Cross-Origin-Opener-Policy", "same-origin");
    fields.add("Cross-Origin-Resource-Policy", "same-origin");
    fields.add("Cache-Control", "no-store");
}

}  // namespace

std::string escape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

http_response render(const page& page) {
    http_response response;
    response.status = page.status;
    response.fields.add("Content-Type", "text/html; charset=utf-8");
    response.fields.add("Content-Security-Policy", policy_of(page));
    add_safety(response.fields);
    response.fields.add_all(page.more);
    const std::string title = escape(page.title);
    const std::string script =
        page.script.empty() ? "" : fmt::format("<script src=\"{}\" defer></script>\n", escape(page.script));
    response.body = fmt::format(
        "<!doctype html>\n"
        "<html lang=\"en\">\n"
        "<head>\n"
        "<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<title>{0} – CodeZ</title>\n"
        "<link rel=\"icon\" href=\"/assets/codez.svg\" type=\"image/svg+xml\">\n"
        "<link rel=\"stylesheet\" href=\"/assets/codez.css\">\n"
        "{2}"
        "</head>\n"
        "<body>\n"
        "<header>CodeZ</header>\n"
        "<main>\n"
        "<h1>{0}</h1>\n"
        "{1}\n"
        "</main>\n"
        "</body>\n"
        "</html>\n",
        title, page.main, script);
    return response;
}

http_response see_other(std::string location, http_fields more) {
    http_response response;
    response.status = 303;
    response.fields.add("Location", std::move(location));
    add_safety(response.fields);
    response.fields.add_all(more);
    return response;
}

}  // namespace hub::pages
