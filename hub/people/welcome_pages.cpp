#include "hub/people/welcome_pages.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/crypto/digest.hpp"
#include "hub/pages/html.hpp"
#include "hub/people/parts.hpp"
#include "hub/people/password.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::people {

using boost::asio::awaitable;
using common::net::http_request;
using common::net::http_response;
using pages::escape;
using tenancy::errc;

namespace {

constexpr std::size_t typed_bytes_max = 256;

std::string plain(std::string_view typed) {
    return tenancy::is_plain_text(typed, typed_bytes_max) ? std::string(typed) : std::string();
}

bool is_for_somebody_else(const link& what) { return what.kind == link_kind::invitation && what.whose; }

std::string invitation_sentence(const link& what) {
    return fmt::format("<p>You are invited to the workspace <strong>{}</strong> as <strong>{}</strong>.</p>\n",
                       escape(what.workspace_name), tenancy::to_string(what.role));
}

std::string hidden_link(std::string_view secret) {
    return fmt::format("<input type=\"hidden\" name=\"link\" value=\"{}\">\n", escape(secret));
}

}  // namespace

awaitable<tenancy::result<link>> welcome_pages::find(std::string secret) {
    auto look_up = [this, hash = common::crypto::sha256(secret)] { return with_.people.find_link(hash); };
    co_return co_await on_pool(with_, std::move(look_up));
}

awaitable<http_response> welcome_pages::show(const http_request& request) {
    const auto query = pages::parse_form(request.query);
    shown what;
    what.secret = query ? query->get("link") : std::string_view();
    const auto found = co_await find(what.secret);
    if (!found) co_return trouble_page(found.error());
    if (!is_for_somebody_else(*found)) co_return co_await introduction_page(request, *found, what);
    const auto who = co_await with_.web.find(request);
    if (!who) co_return trouble_page(who.error());
    co_return invitation_page(*found, what.secret, *who);
}

// The fields have names of their own: ids are there once on a page.
std::string welcome_pages::providers_html(std::string_view form_token, const link& what, const shown& typed) const {
    if (with_.providers.empty()) return {};
    std::string html = "<h2>Without a password</h2>\n<form method=\"post\" action=\"/welcome\">\n" +
                       form_token_field(form_token) + hidden_link(typed.secret);
    if (!what.whose)
        html += input_html({.label = "Your name",
                            .name = "provider_name",
                            .autocomplete = "name",
                            .value = typed.name,
                            .more = "required"});
    if (what.whose && what.whose->user.email.empty())
        html += input_html({.label = "E-mail address",
                            .name = "provider_email",
                            .type = "email",
                            .autocomplete = "email",
                            .value = typed.email,
                            .more = "required"});
    return html + providers_.buttons_html("Continue with") + "</form>\n";
}

awaitable<http_response> welcome_pages::introduction_page(const http_request& request, link what, shown typed) {
    const auto visitor = with_.web.visitor_of(request);
    const std::string email = what.whose ? what.whose->user.email : what.email;
    pages::page page{.status = typed.status, .title = "Welcome to CodeZ", .main = {}};
    if (what.kind == link_kind::invitation) page.main += invitation_sentence(what);
    if (what.whose)
        page.main += fmt::format("<p>You are <strong>{}</strong>. Choose a password, and you are in.</p>\n",
                                 escape(what.whose->user.name));
    page.main += error_html(typed.error);
    page.main += "<form method=\"post\" action=\"/welcome\">\n";
    page.main += form_token_field(visitor.form_token);
    page.main += hidden_link(typed.secret);
    if (!what.whose)
        page.main += input_html(
            {.label = "Your name", .name = "name", .autocomplete = "name", .value = typed.name, .more = "required"});
    page.main += input_html({.label = "E-mail address, to sign in with",
                             .name = "email",
                             .type = "email",
                             .autocomplete = "username",
                             .value = email.empty() ? typed.email : email,
                             .more = email.empty() ? "required" : "readonly"});
    page.main += new_password_html();
    page.main +=
        "<button>Set password and sign in</button>\n</form>\n" + providers_html(visitor.form_token, what, typed);
    page.form_targets = co_await with_.providers.form_targets();
    if (!visitor.set_cookie.empty()) page.more.add("Set-Cookie", visitor.set_cookie);
    co_return pages::render(page);
}

http_response welcome_pages::invitation_page(const link& what, const std::string& secret,
                                             const std::optional<signed_in>& who) const {
    pages::page page{.title = "An invitation", .main = invitation_sentence(what)};
    if (who && who->user_id == what.whose->user.id) {
        page.main += "<form method=\"post\" action=\"/welcome\">\n" + form_token_field(who->form_token) +
                     hidden_link(secret) + "<button>Accept</button>\n</form>";
    } else if (who) {
        page.main += fmt::format("<p>It is for {}, and you are signed in as {}. Sign out first.</p>\n",
                                 escape(what.email), escape(who->email));
        page.main += "<form method=\"post\" action=\"/sign-out\">\n" + form_token_field(who->form_token) +
                     "<button>Sign out</button>\n</form>";
    } else {
        page.main +=
            fmt::format("<p>Sign in as {} to accept it.</p>\n<p><a class=\"button\" href=\"{}\">Sign in</a></p>",
                        escape(what.email), escape(sign_in_path("/welcome?link=" + pages::encode_component(secret))));
    }
    return pages::render(page);
}

awaitable<http_response> welcome_pages::enter(const http_request& request) {
    const auto form = pages::is_form(request) ? pages::parse_form(request.body) : std::unexpected(std::string());
    if (!form) co_return foreign_form_page();
    shown typed{.secret = std::string(form->get("link")),
                .name = plain(form->get("name")),
                .email = plain(form->get("email")),
                .error = {}};
    auto found = co_await find(typed.secret);
    if (found && is_for_somebody_else(*found)) co_return co_await accept(request, std::move(typed.secret), *form);
    if (!with_.web.posted_by_own_page(request, with_.web.visitor_of(request).form_token, *form))
        co_return foreign_form_page();
    if (!found) co_return trouble_page(found.error());
    if (const auto provider = form->find("provider")) {
        typed.name = plain(form->get("provider_name"));
        typed.email = plain(form->get("provider_email"));
        co_return co_await leave(request, std::move(*found), std::move(typed), std::string(*provider));
    }
    std::string password(form->get("new_password"));
    const auto fault = find_password_fault(password);
    if (fault || password != form->get("repeated_password")) {
        typed.status = 400;
        typed.error = fault.value_or("The two passwords are not the same.");
        co_return co_await introduction_page(request, *found, typed);
    }
    co_return co_await settle(request, std::move(*found), std::move(typed), std::move(password));
}

awaitable<http_response> welcome_pages::leave(const http_request& request, link what, shown typed,
                                              std::string provider_id) {
    introduction who{typed.name, typed.email, {}};
    // Before the way there, rather than after it.
    if (auto fault = find_introduction_fault(what, who)) {
        typed.status = 400;
        typed.error = std::move(*fault);
        co_return co_await introduction_page(request, std::move(what), std::move(typed));
    }
    provider_pages::departure to{.provider_id = std::move(provider_id),
                                 .visitor = with_.web.visitor_of(request).form_token,
                                 .what_for = upstream::purpose::welcome,
                                 .continue_at = "/welcome?link=" + pages::encode_component(typed.secret),
                                 .link_hash = common::crypto::sha256(typed.secret),
                                 .who = std::move(who)};
    co_return co_await providers_.leave(request, std::move(to));
}

awaitable<http_response> welcome_pages::settle(const http_request& request, link what, shown typed,
                                               std::string password) {
    const auto hashed = co_await with_.passwords.hash(std::move(password));
    if (!hashed) co_return trouble_page(pool_trouble(hashed.error()));
    introduction who{typed.name, typed.email, *hashed};
    auto use = [this, hash = common::crypto::sha256(typed.secret), who] { return with_.people.use_link(hash, who); };
    const auto session = co_await on_pool(with_, std::move(use));
    if (!session && (session.error().code == errc::invalid || session.error().code == errc::already_exists)) {
        typed.status = 400;
        typed.error = session.error().message;
        co_return co_await introduction_page(request, what, typed);
    }
    if (!session) co_return trouble_page(session.error());
    const std::string known = what.whose ? what.whose->user.email : what.email;
    with_.limits.forgive(known.empty() ? typed.email : known);
    // Whoever was signed in here before is not any more.
    auto end = [this, old = common::crypto::sha256(with_.web.secret_of(request))] {
        return with_.people.end_session(old);
    };
    std::ignore = co_await on_pool(with_, std::move(end));
    co_return pages::see_other("/account", {{"Set-Cookie", with_.web.set_cookie(session->secret)}});
}

awaitable<http_response> welcome_pages::accept(const http_request& request, std::string secret,
                                               const pages::form& form) {
    const auto who = co_await with_.web.find(request);
    if (!who) co_return trouble_page(who.error());
    if (!*who || !with_.web.posted_by_own_page(request, **who, form)) co_return foreign_form_page();
    auto use = [this, hash = common::crypto::sha256(secret), id = (*who)->user_id] {
        return with_.people.accept_invitation(hash, id);
    };
    const auto done = co_await on_pool(with_, std::move(use));
    if (!done) co_return trouble_page(done.error());
    co_return pages::see_other("/account");
}

}  // namespace hub::people
