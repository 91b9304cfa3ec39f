#include "hub/people/account_pages.hpp"

#include <utility>

#include <fmt/format.h>

#include "hub/pages/html.hpp"
#include "hub/people/parts.hpp"
#include "hub/people/password.hpp"

namespace hub::people {

using boost::asio::awaitable;
using common::net::http_request;
using common::net::http_response;
using pages::escape;
using tenancy::errc;

namespace {

std::string password_form(const signed_in& who) {
    return "<h2>Another password</h2>\n<form method=\"post\" action=\"/account\">\n" +
           form_token_field(who.form_token) + "<input type=\"hidden\" name=\"do\" value=\"change-password\">\n" +
           input_html({.label = "Your password now",
                       .name = "password",
                       .type = "password",
                       .autocomplete = "current-password",
                       .more = "required"}) +
           new_password_html() +
           "<p class=\"note\">It signs out all your other browsers.</p>\n"
           "<button>Change password</button>\n</form>\n";
}

std::string no_password() {
    return "<h2>Password</h2>\n<p class=\"note\">You have none. Whoever runs this hub makes you a link to set one: "
           "<code>codez-hub sign-in-link</code></p>\n";
}

std::string sign_out_forms(const signed_in& who) {
    const std::string token = form_token_field(who.form_token);
    return "<h2>Sign out</h2>\n<div class=\"row\">\n<form method=\"post\" action=\"/sign-out\">\n" + token +
           "<button>Sign out</button>\n</form>\n<form method=\"post\" action=\"/account\">\n" + token +
           "<input type=\"hidden\" name=\"do\" value=\"sign-out-everywhere\">\n"
           "<button class=\"plain\">Sign out everywhere</button>\n</form>\n</div>";
}

}  // namespace

awaitable<http_response> account_pages::show(const http_request& request) {
    const auto who = co_await with_.web.find(request);
    if (!who) co_return trouble_page(who.error());
    if (!*who) co_return pages::see_other(sign_in_path("/account"));
    notice said;
    if (request.query == "done=password") said.done = "The password is changed.";
    if (request.query == "done=passkey") said.done = "The passkey is added.";
    if (request.query == "done=linked") said.done = "The account is linked.";
    if (request.query == "done=unlinked") said.done = "The account is not linked any more.";
    if (request.query == "done=removed") said.done = "The passkey is removed.";
    co_return co_await page(**who, std::move(said));
}

awaitable<http_response> account_pages::page(signed_in who, notice said) {
    auto look_up = [this, id = who.user_id] { return with_.people.list_memberships(id); };
    const auto places = co_await on_pool(with_, std::move(look_up));
    if (!places) co_return trouble_page(places.error());
    auto list = [this, id = who.user_id] { return with_.passkeys.list(id); };
    const auto keys = co_await on_pool(with_, std::move(list));
    if (!keys) co_return trouble_page(keys.error());
    auto list_linked = [this, id = who.user_id] { return with_.linked.list(id); };
    const auto linked = co_await on_pool(with_, std::move(list_linked));
    if (!linked) co_return trouble_page(linked.error());
    auto find = [this, id = who.user_id] { return with_.people.get_account(id); };
    const auto known = co_await on_pool(with_, std::move(find));
    if (!known) co_return trouble_page(known.error());
    pages::page page{.status = said.status, .title = "Your account", .main = error_html(said.error)};
    if (!said.done.empty()) page.main += fmt::format("<p class=\"done\" role=\"status\">{}</p>\n", escape(said.done));
    page.main += fmt::format("<dl>\n<dt>Name</dt><dd>{}</dd>\n<dt>E-mail address</dt><dd>{}</dd>\n", escape(who.name),
                             escape(who.email));
    for (const auto& place : *places)
        page.main += fmt::format("<dt>Workspace</dt><dd>{} ({})</dd>\n", escape(place.workspace_name),
                                 tenancy::to_string(place.role));
    page.main += "</dl>\n<p><a href=\"/connections\">Connected applications</a></p>\n";
    page.main += passkeys_.account_html(who, *keys) + providers_.account_html(who, *linked);
    page.main += known->password_hash.empty() ? no_password() : password_form(who);
    page.main += sign_out_forms(who);
    page.form_targets = co_await with_.providers.form_targets();
    page.script = passkeys_.script();
    co_return pages::render(page);
}

awaitable<http_response> account_pages::change(const http_request& request) {
    const auto who = co_await with_.web.find(request);
    if (!who) co_return trouble_page(who.error());
    const auto form = pages::is_form(request) ? pages::parse_form(request.body) : std::unexpected(std::string());
    if (!*who || !form || !with_.web.posted_by_own_page(request, **who, *form)) co_return foreign_form_page();
    if (form->get("do") == "change-password") co_return co_await change_password(request, **who, *form);
    if (form->get("do") == "sign-out-everywhere") co_return co_await sign_out_everywhere(**who);
    if (form->get("do") == "link") co_return co_await link(request, **who, std::string(form->get("provider")));
    if (form->get("do") == "unlink") co_return co_await providers_.unlink(**who, std::string(form->get("account")));
    co_return foreign_form_page();
}

awaitable<http_response> account_pages::link(const http_request& request, signed_in who, std::string provider_id) {
    // Whoever finds an open browser must not leave a way in of their own.
    if (!is_fresh(who, tenancy::system_time_ms())) co_return pages::see_other(confirm_path("/account"));
    provider_pages::departure to{.provider_id = std::move(provider_id),
                                 .visitor = who.form_token,
                                 .what_for = upstream::purpose::link,
                                 .continue_at = "/account",
                                 .user_id = who.user_id};
    co_return co_await providers_.leave(request, std::move(to));
}

awaitable<http_response> account_pages::change_password(const http_request& request, signed_in who,
                                                        const pages::form& form) {
    const std::string password(form.get("password"));
    const std::string fresh(form.get("new_password"));
    const auto fault = find_password_fault(fresh);
    if (fault || fresh != form.get("repeated_password"))
        co_return co_await page(who, {400, {}, fault.value_or("The two passwords are not the same.")});
    if (with_.limits.begin(request, who.email))
        co_return co_await page(who, {429, {}, "There were too many attempts. Try again later."});
    auto look_up = [this, id = who.user_id] { return with_.people.get_account(id); };
    const auto found = co_await on_pool(with_, std::move(look_up));
    if (!found) co_return trouble_page(found.error());
    const auto fits = co_await with_.passwords.verify(found->password_hash, password);
    if (!fits) co_return trouble_page(pool_trouble(fits.error()));
    if (!*fits) co_return co_await page(who, {403, {}, "Your password now is another one."});
    const auto hashed = co_await with_.passwords.hash(fresh);
    if (!hashed) co_return trouble_page(pool_trouble(hashed.error()));
    auto store = [this, id = who.user_id, old = found->password_hash, hash = *hashed] {
        return with_.people.change_password(id, old, hash);
    };
    const auto session = co_await on_pool(with_, std::move(store));
    if (!session) co_return trouble_page(session.error());
    with_.limits.succeeded(request, who.email);
    co_return pages::see_other("/account?done=password", {{"Set-Cookie", with_.web.set_cookie(session->secret)}});
}

awaitable<http_response> account_pages::sign_out_everywhere(signed_in who) {
    auto end = [this, id = who.user_id] { return with_.people.end_sessions(id); };
    const auto ended = co_await on_pool(with_, std::move(end));
    if (!ended) co_return trouble_page(ended.error());
    co_return pages::see_other("/sign-in", {{"Set-Cookie", with_.web.clear_cookie()}});
}

}  // namespace hub::people
