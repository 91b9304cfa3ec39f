#include "hub/people/passkey_pages.hpp"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/net/web_origin.hpp"
#include "hub/pages/assets.hpp"
#include "hub/pages/html.hpp"
#include "hub/people/parts.hpp"
#include "hub/people/webauthn.hpp"

namespace hub::people {

using boost::asio::awaitable;
using common::crypto::base64url_decode;
using common::crypto::base64url_encode;
using common::net::http_request;
using common::net::http_response;
using pages::escape;
using tenancy::errc;

namespace {

std::unexpected<std::string> fault(std::string sentence) { return std::unexpected(std::move(sentence)); }

std::chrono::steady_clock::time_point steady_now() { return std::chrono::steady_clock::now(); }

std::string hidden(std::string_view name, std::string_view value = {}) {
    return fmt::format("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", name, escape(value));
}

// Shown by the script, where the browser has passkeys.
std::string form_html(std::string_view kind, std::string_view action, std::string_view inside) {
    return fmt::format(
        "<form method=\"post\" action=\"{}\" data-passkey=\"{}\" hidden>\n<p class=\"error\" role=\"alert\" hidden></p>\n"
        "{}{}{}{}</form>\n",
        action, kind, hidden("credential"), hidden("client_data"), hidden("authenticator_data"), inside);
}

http_response refused(int status, std::string_view sentence, std::string_view back) {
    pages::page page{.status = status, .title = "That did not work", .main = error_html(sentence)};
    page.main += fmt::format("<p><a href=\"{}\">Back</a></p>", back);
    return pages::render(page);
}

http_response json_answer(const nlohmann::json& body) {
    http_response response;
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "no-store");
    response.fields.add("X-Content-Type-Options", "nosniff");
    response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

std::expected<pages::form, std::string> form_of(const http_request& request) {
    if (!pages::is_form(request)) return fault({});
    return pages::parse_form(request.body);
}

}  // namespace

passkey_pages::passkey_pages(services& with)
    : with_(with), origin_(common::net::normal_origin(with.public_url)), domain_(passkey_domain(with.public_url)) {}

std::string_view passkey_pages::script() const { return domain_ ? pages::passkeys_script_path : std::string_view(); }

std::string passkey_pages::sign_in_html(std::string_view form_token, std::string_view continue_at) const {
    if (!domain_) return {};
    return form_html("use", "/passkeys/sign-in",
                     hidden("signature") + hidden("user_handle") + hidden("continue", continue_at) +
                         form_token_field(form_token) + "<button class=\"plain\">Sign in with a passkey</button>\n");
}

std::string passkey_pages::account_html(const signed_in& who, const std::vector<passkey>& keys) const {
    if (!domain_ && keys.empty()) return {};
    std::string html = "<h2>Passkeys</h2>\n";
    const std::string token = form_token_field(who.form_token);
    for (const auto& key : keys)
        html += fmt::format(
            "<form class=\"row\" method=\"post\" action=\"/passkeys\">\n{}{}{}<span>{}</span>\n"
            "<button class=\"plain\" aria-label=\"Remove {}\">Remove</button>\n</form>\n",
            token, hidden("do", "remove"), hidden("credential", base64url_encode(key.id)), escape(key.name),
            escape(key.name));
    if (!domain_) return html;
    if (!is_fresh(who, tenancy::system_time_ms()))
        return html + fmt::format("<p><a href=\"{}\">Confirm that it is you</a> to add a passkey.</p>\n",
                                  escape(confirm_path("/account")));
    html +=
        "<p class=\"note\">A passkey signs you in with your fingerprint, face or PIN instead of the password.</p>\n";
    const std::string name = input_html(
        {.label = "What to call the new one", .name = "name", .value = "passkey", .more = "required maxlength=\"64\""});
    return html +
           form_html("add", "/passkeys",
                     hidden("public_key") + hidden("do", "add") + token + name + "<button>Add a passkey</button>\n");
}

awaitable<http_response> passkey_pages::options(const http_request& request) {
    const auto form = form_of(request);
    if (!form || !domain_) co_return foreign_form_page();
    if (form->get("for") != "add") {
        const auto visitor = with_.web.visitor_of(request);
        if (!with_.web.posted_by_own_page(request, visitor.form_token, *form)) co_return foreign_form_page();
        const auto challenge = challenges_.issue(visitor.form_token, steady_now());
        co_return json_answer({{"challenge", challenge}, {"domain", *domain_}});
    }
    const auto who = co_await with_.web.find(request);
    if (!who) co_return trouble_page(who.error());
    if (!*who || !with_.web.posted_by_own_page(request, **who, *form)) co_return foreign_form_page();
    auto look_up = [this, id = (*who)->user_id] { return with_.passkeys.list(id); };
    const auto keys = co_await on_pool(with_, std::move(look_up));
    if (!keys) co_return trouble_page(keys.error());
    nlohmann::json known = nlohmann::json::array();
    for (const auto& key : *keys) known.push_back(base64url_encode(key.id));
    const auto challenge = challenges_.issue((*who)->form_token, steady_now());
    co_return json_answer({{"challenge", challenge},
                           {"domain", *domain_},
                           {"known", known},
                           {"user", {{"id", (*who)->user_id}, {"name", (*who)->name}, {"email", (*who)->email}}}});
}

std::expected<passkey_pages::ceremony, std::string> passkey_pages::read(const pages::form& form, std::string_view type,
                                                                        std::string_view holder) {
    const auto client_data = base64url_decode(form.get("client_data"));
    const auto authenticator = base64url_decode(form.get("authenticator_data"));
    if (!domain_ || !client_data || !authenticator) return fault("The browser sent no passkey.");
    const auto challenge = read_client_data(*client_data, type, origin_);
    if (!challenge) return fault(challenge.error());
    if (!challenges_.take(*challenge, holder, steady_now())) return fault("That took too long. Try again.");
    const auto said = read_authenticator_data(*authenticator, *domain_);
    if (!said) return fault(said.error());
    return ceremony{*client_data, *authenticator, said->sign_count, said->credential_id};
}

awaitable<http_response> passkey_pages::sign_in(const http_request& request) {
    const auto form = form_of(request);
    const auto visitor = with_.web.visitor_of(request);
    if (!form || !with_.web.posted_by_own_page(request, visitor.form_token, *form)) co_return foreign_form_page();
    const std::string continue_at = local_path(form->get("continue"));
    const std::string back = sign_in_path(continue_at);
    const std::string counted = "passkey " + std::string(form->get("credential"));
    if (with_.limits.begin(request, counted))
        co_return refused(429, "There were too many attempts. Try again later.", back);
    auto said = read(*form, "webauthn.get", visitor.form_token);
    if (!said) co_return refused(403, said.error(), back);
    const auto session = co_await prove(request, *form, std::move(*said));
    if (!session && session.error().code != errc::not_found && session.error().code != errc::key_conflict) {
        with_.limits.take_back(request, counted);
        co_return trouble_page(session.error());
    }
    if (!session) co_return refused(403, session.error().message, back);
    with_.limits.succeeded(request, counted);
    co_return pages::see_other(continue_at, {{"Set-Cookie", with_.web.set_cookie(session->secret)}});
}

awaitable<tenancy::result<new_session>> passkey_pages::prove(const http_request& request, const pages::form& form,
                                                             ceremony said) {
    const auto id = base64url_decode(form.get("credential"));
    const auto signature = base64url_decode(form.get("signature"));
    const auto handle = base64url_decode(form.get("user_handle"));
    const auto unknown = [] {
        return std::unexpected(
            tenancy::error{errc::not_found, "This passkey is not one of this hub, or not any more.", {}});
    };
    if (!id || !signature || !handle) co_return unknown();
    auto look_up = [this, id = *id] { return with_.passkeys.find(id); };
    const auto key = co_await on_pool(with_, std::move(look_up));
    if (!key && key.error().code == errc::not_found) co_return unknown();
    if (!key) co_return std::unexpected(key.error());
    const bool theirs = handle->empty() || *handle == key->user_id;
    if (!theirs || !is_passkey_signature(key->public_key, said.authenticator_data, said.client_data, *signature)) {
        auto note = [this, user = key->user_id] { return with_.people.note_failed_sign_in(user); };
        std::ignore = co_await on_pool(with_, std::move(note));
        co_return unknown();
    }
    const std::string old = with_.web.secret_of(request);
    auto begin = [this, id = *id, count = said.sign_count, replaced = old.empty() ? old : common::crypto::sha256(old)] {
        return with_.passkeys.sign_in(id, count, replaced);
    };
    co_return co_await on_pool(with_, std::move(begin));
}

awaitable<http_response> passkey_pages::change(const http_request& request) {
    const auto who = co_await with_.web.find(request);
    if (!who) co_return trouble_page(who.error());
    const auto form = form_of(request);
    if (!*who || !form || !with_.web.posted_by_own_page(request, **who, *form)) co_return foreign_form_page();
    if (form->get("do") == "add") co_return co_await add(**who, *form);
    const auto id = base64url_decode(form->get("credential"));
    if (form->get("do") != "remove" || !id) co_return foreign_form_page();
    co_return co_await remove(**who, *id);
}

awaitable<http_response> passkey_pages::add(signed_in who, const pages::form& form) {
    // Whoever finds an open browser must not leave a key of their own.
    if (!is_fresh(who, tenancy::system_time_ms())) co_return pages::see_other(confirm_path("/account"));
    const auto said = read(form, "webauthn.create", who.form_token);
    if (!said) co_return refused(400, said.error(), "/account");
    const auto id = base64url_decode(form.get("credential"));
    const auto key = base64url_decode(form.get("public_key"));
    if (!id || id->empty() || *id != said->credential_id || !key || !is_passkey_key(*key))
        co_return refused(400, "This passkey is of a kind that the hub does not know.", "/account");
    passkey made;
    made.id = *id;
    made.user_id = who.user_id;
    made.public_key = *key;
    made.sign_count = said->sign_count;
    made.name = form.get("name");
    auto store = [this, made] { return with_.passkeys.add(made); };
    const auto done = co_await on_pool(with_, std::move(store));
    if (!done && (done.error().code == errc::invalid || done.error().code == errc::already_exists))
        co_return refused(400, done.error().message, "/account");
    if (!done) co_return trouble_page(done.error());
    co_return pages::see_other("/account?done=passkey");
}

awaitable<http_response> passkey_pages::remove(signed_in who, std::string id) {
    auto end = [this, user = who.user_id, id, issuers = with_.providers.issuers()] {
        return with_.passkeys.remove(user, id, issuers);
    };
    const auto done = co_await on_pool(with_, std::move(end));
    if (!done && done.error().code == errc::invalid) co_return refused(400, done.error().message, "/account");
    if (!done) co_return trouble_page(done.error());
    co_return pages::see_other("/account?done=removed");
}

}  // namespace hub::people
