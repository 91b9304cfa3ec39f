#include "hub/people/sign_in_pages.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/crypto/digest.hpp"
#include "hub/pages/html.hpp"
#include "hub/people/parts.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::people {

using boost::asio::awaitable;
using common::net::http_request;
using common::net::http_response;
using pages::escape;
using tenancy::errc;

namespace {

constexpr std::string_view wrong = "The e-mail address or the password is wrong.";
constexpr std::size_t email_bytes_max = 256;

}  // namespace

// Without the fields of the other form, which need not be filled in for it.
std::string sign_in_pages::providers_html(std::string_view form_token, const shown& what) const {
    if (with_.providers.empty()) return {};
    return "<form method=\"post\" action=\"/sign-in\">\n" + form_token_field(form_token) +
           fmt::format(
               "<input type=\"hidden\" name=\"continue\" value=\"{}\">\n<input type=\"hidden\" "
               "name=\"again\" value=\"{}\">\n{}</form>\n",
               escape(what.continue_at), what.prove ? 1 : 0, providers_.buttons_html("Continue with"));
}

awaitable<http_response> sign_in_pages::page(const http_request& request, shown what) {
    const auto visitor = with_.web.visitor_of(request);
    pages::page page{
        .status = what.status, .title = what.again ? "Please confirm that it is you" : "Sign in", .main = {}};
    page.main = error_html(what.error);
    page.main += "<form method=\"post\" action=\"/sign-in\">\n";
    page.main += form_token_field(visitor.form_token);
    page.main += fmt::format("<input type=\"hidden\" name=\"continue\" value=\"{}\">\n", escape(what.continue_at));
    page.main += input_html({.label = "E-mail address",
                             .name = "email",
                             .type = "email",
                             .autocomplete = "username",
                             .value = what.email,
                             .more = what.email.empty() ? "required autofocus" : "required"});
    page.main += input_html({.label = "Password",
                             .name = "password",
                             .type = "password",
                             .autocomplete = "current-password",
                             .more = what.email.empty() ? "required" : "required autofocus"});
    page.main += "<button>Sign in</button>\n</form>\n" + passkeys_.sign_in_html(visitor.form_token, what.continue_at);
    page.main += providers_html(visitor.form_token, what);
    page.form_targets = co_await with_.providers.form_targets();
    page.script = passkeys_.script();
    page.main +=
        "<p class=\"note\">No password, or forgotten? Whoever runs this hub makes you a link: "
        "<code>codez-hub sign-in-link</code></p>";
    if (!visitor.set_cookie.empty()) page.more.add("Set-Cookie", visitor.set_cookie);
    co_return pages::render(page);
}

awaitable<http_response> sign_in_pages::show(const http_request& request) {
    const auto query = pages::parse_form(request.query);
    shown what;
    what.continue_at = local_path(query ? query->get("continue") : std::string_view());
    what.prove = query && query->get("again") == "1";
    const auto who = co_await with_.web.find(request);
    if (!who) co_return trouble_page(who.error());
    if (*who && !what.prove) co_return pages::see_other(what.continue_at);
    what.again = who->has_value();
    if (*who) what.email = (*who)->email;
    co_return co_await page(request, std::move(what));
}

awaitable<http_response> sign_in_pages::sign_in(const http_request& request) {
    const auto form = pages::is_form(request) ? pages::parse_form(request.body) : std::unexpected(std::string());
    if (!form || !with_.web.posted_by_own_page(request, with_.web.visitor_of(request).form_token, *form))
        co_return foreign_form_page();
    if (form->find("provider")) co_return co_await leave(request, *form);
    shown what;
    what.continue_at = local_path(form->get("continue"));
    what.email = form->get("email");
    if (!tenancy::is_plain_text(what.email, email_bytes_max)) what.email.clear();
    if (const auto wait = with_.limits.begin(request, what.email)) {
        with_.log.warning("sign-in is refused after too many attempts",
                          {{"address", with_.limits.address_of(request)}});
        what.status = 429;
        what.error = wait_sentence(*wait);
        co_return co_await page(request, std::move(what));
    }
    co_return co_await try_password(request, std::move(what), std::string(form->get("password")));
}

awaitable<http_response> sign_in_pages::leave(const http_request& request, const pages::form& form) {
    provider_pages::departure to{.provider_id = std::string(form.get("provider")),
                                 .visitor = with_.web.visitor_of(request).form_token,
                                 .continue_at = local_path(form.get("continue"))};
    if (form.get("again") == "1") {
        const auto who = co_await with_.web.find(request);
        if (!who) co_return trouble_page(who.error());
        to.what_for = upstream::purpose::confirm;
        if (*who) to.user_id = (*who)->user_id;
    }
    co_return co_await providers_.leave(request, std::move(to));
}

awaitable<http_response> sign_in_pages::try_password(const http_request& request, shown what, std::string password) {
    const auto proven = co_await prove(request, what.email, std::move(password));
    if (!proven && proven.error().code != errc::not_found) {
        with_.limits.take_back(request, what.email);
        with_.log.error("nobody can sign in at the moment", {{"why", proven.error().log_text}});
        co_return trouble_page(proven.error());
    }
    if (!proven) {
        what.status = 403;
        what.error = wrong;
        co_return co_await page(request, std::move(what));
    }
    const std::string old = with_.web.secret_of(request);
    auto begin = [this, who = *proven, replaced = old.empty() ? old : common::crypto::sha256(old)] {
        return with_.people.sign_in(who.user.id, who.password_hash, replaced);
    };
    const auto session = co_await on_pool(with_, std::move(begin));
    if (!session) co_return trouble_page(session.error());
    with_.limits.succeeded(request, what.email);
    co_return pages::see_other(what.continue_at, {{"Set-Cookie", with_.web.set_cookie(session->secret)}});
}

awaitable<tenancy::result<account>> sign_in_pages::prove(const http_request& request, std::string email,
                                                         std::string password) {
    auto look_up = [this, email] { return with_.people.find_account(email); };
    auto found = co_await on_pool(with_, std::move(look_up));
    if (!found && found.error().code != errc::not_found) co_return std::unexpected(found.error());
    const account who = found ? *found : account{};
    const auto fits = co_await with_.passwords.verify(who.password_hash, std::move(password),
                                                      with_.limits.has_failed_before(request));
    if (!fits) co_return std::unexpected(pool_trouble(fits.error()));
    if (*fits) co_return who;
    auto note = [this, id = who.user.id] { return with_.people.note_failed_sign_in(id); };
    const auto noted = co_await on_pool(with_, std::move(note));
    if (!noted) co_return std::unexpected(noted.error());
    co_return std::unexpected(tenancy::error{errc::not_found, std::string(wrong), {}});
}

awaitable<http_response> sign_in_pages::sign_out(const http_request& request) {
    const auto who = co_await with_.web.find(request);
    if (!who) co_return trouble_page(who.error());
    if (*who) {
        const auto form = pages::is_form(request) ? pages::parse_form(request.body) : std::unexpected(std::string());
        if (!form || !with_.web.posted_by_own_page(request, **who, *form)) co_return foreign_form_page();
        auto end = [this, hash = common::crypto::sha256(with_.web.secret_of(request))] {
            return with_.people.end_session(hash);
        };
        const auto ended = co_await on_pool(with_, std::move(end));
        if (!ended) co_return trouble_page(ended.error());
    }
    co_return pages::see_other("/sign-in", {{"Set-Cookie", with_.web.clear_cookie()}});
}

}  // namespace hub::people
