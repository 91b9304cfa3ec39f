#include "hub/people/provider_pages.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/sealer.hpp"
#include "hub/pages/html.hpp"
#include "hub/people/parts.hpp"

namespace hub::people {

using boost::asio::awaitable;
using common::crypto::sha256;
using common::net::http_request;
using common::net::http_response;
using pages::escape;
using tenancy::errc;
using upstream::purpose;

namespace {

constexpr std::string_view sealed_for = "codez sign-in continue";
constexpr std::size_t state_chars = 43;  // 32 bytes as base64url
constexpr std::size_t code_bytes_max = 2048;
constexpr std::int64_t skew_s = common::auth::clock_skew_seconds;

std::string day_of(std::int64_t unix_ms) {
    const std::time_t seconds = unix_ms / 1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:%Y-%m-%d}", utc);
}

// Nobody was signed in: why, and the way on.
http_response stopped_page(int status, std::string_view sentence, std::string_view back,
                           std::string_view title = "That did not work") {
    pages::page page{.status = status, .title = std::string(title), .main = {}};
    page.main = fmt::format("<p{}>{}</p>\n<p><a class=\"button\" href=\"{}\">Go back</a></p>",
                            status < 400 ? "" : " class=\"error\" role=\"alert\"", escape(sentence), escape(back));
    return pages::render(page);
}

std::string unavailable_sentence(const upstream::provider& at) {
    return fmt::format("{} cannot be asked at the moment. Try again later, or go on in another way.",
                       at.options().name);
}

// What the browser is led back to, whatever came of it.
std::string origin_page(const upstream::visit& visit, std::string_view continue_at) {
    switch (visit.what_for) {
        case purpose::sign_in:
            return sign_in_path(continue_at);
        case purpose::confirm:
            return confirm_path(continue_at);
        case purpose::link:
        case purpose::welcome:
            break;
    }
    return std::string(continue_at);
}

// When the person proved who it is. A provider that does not say may have let in whoever sat before an open browser, which
// counts only where it was told to ask again.
std::int64_t proven_at(const upstream::visit& visit, const upstream::identity& who) {
    const std::int64_t now = tenancy::system_time_ms();
    if (visit.what_for == purpose::confirm) return now;
    return who.authenticated_at ? std::min(now, *who.authenticated_at * 1000) : now - fresh_ms;
}

bool is_code(std::string_view text) {
    return !text.empty() && text.size() <= code_bytes_max &&
           std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });  // RFC 6749, appendix A.11
}

}  // namespace

std::string provider_pages::buttons_html(std::string_view verb) const {
    std::string html;
    for (const auto& one : with_.providers.all())
        html += fmt::format("<button class=\"plain\" name=\"provider\" value=\"{}\">{} {}</button>\n",
                            escape(one->options().id), verb, escape(one->options().name));
    return html.empty() ? html : "<div class=\"row\">\n" + html + "</div>\n";
}

std::string provider_pages::account_html(const signed_in& who, const std::vector<linked_account>& linked) const {
    if (with_.providers.empty() && linked.empty()) return {};
    const std::string form =
        "<form class=\"row\" method=\"post\" action=\"/account\">\n" + form_token_field(who.form_token);
    std::string html = "<h2>Linked accounts</h2>\n";
    for (const auto& one : linked) {
        const auto* const at = with_.providers.find_issuer(one.issuer);
        const std::string name = escape(at != nullptr ? at->options().name : one.issuer);
        html += fmt::format(
            "{0}<input type=\"hidden\" name=\"do\" value=\"unlink\">\n<input type=\"hidden\" name=\"account\" "
            "value=\"{1}\">\n<span>{2}, since {3}</span>\n<button class=\"plain\" aria-label=\"Unlink {2}\">Unlink</button>\n"
            "</form>\n",
            form, escape(one.id), name, day_of(one.since));
    }
    if (with_.providers.empty()) return html;
    if (!is_fresh(who, tenancy::system_time_ms()))
        return html + fmt::format("<p><a href=\"{}\">Confirm that it is you</a> to link another account.</p>\n",
                                  escape(confirm_path("/account")));
    return html + form + "<input type=\"hidden\" name=\"do\" value=\"link\">\n" + buttons_html("Link") + "</form>\n";
}

awaitable<http_response> provider_pages::leave(const http_request& request, departure what) {
    auto* const to = with_.providers.find(what.provider_id);
    if (to == nullptr) co_return foreign_form_page();
    const upstream::visit begun{.provider_id = what.provider_id, .what_for = what.what_for, .continue_at = {}};
    const std::string back = origin_page(begun, what.continue_at);
    if (const auto wait = with_.limits.begin_visit(request)) co_return stopped_page(429, wait_sentence(*wait), back);
    const std::string state = common::crypto::base64url_encode(common::crypto::random_bytes(32));
    const auto proven_by = upstream::make_proof(what.visitor, state);
    const auto url = co_await to->authorization_url({state, proven_by, what.what_for == purpose::confirm});
    if (!url) {
        with_.log.error("a provider of accounts cannot be asked",
                        {{"provider", what.provider_id}, {"why", url.error().log_text}});
        co_return stopped_page(503, unavailable_sentence(*to), back);
    }
    upstream::visit visit{.provider_id = what.provider_id,
                          .what_for = what.what_for,
                          .continue_at = common::crypto::sealer(proven_by.seal_key).seal(what.continue_at, sealed_for),
                          .user_id = what.user_id,
                          .link_hash = what.link_hash,
                          .name = what.who.name,
                          .email = what.who.email};
    auto begin = [this, state = sha256(state), visitor = sha256(what.visitor), visit] {
        return with_.visits.begin(state, visitor, visit);
    };
    const auto done = co_await on_pool(with_, std::move(begin));
    if (!done) co_return trouble_page(done.error());
    co_return pages::see_other(*url);
}

awaitable<http_response> provider_pages::come_back(const http_request& request) {
    auto* const at = with_.providers.find(std::string_view(request.path).substr(upstream::callback_path.size()));
    if (at == nullptr) co_return stopped_page(404, "Nobody signs in this way here.", "/sign-in");
    if (const auto wait = with_.limits.begin(request)) {
        with_.log.warning("sign-in is refused after too many attempts",
                          {{"address", with_.limits.address_of(request)}});
        co_return stopped_page(429, wait_sentence(*wait), "/sign-in");
    }
    const auto answer = pages::parse_form(request.query);
    if (!answer) co_return stopped_page(400, "This is no answer of a provider. Sign in again.", "/sign-in");
    co_return co_await judge(request, *at, *answer);
}

awaitable<std::expected<provider_pages::arrival, http_response>> provider_pages::recognise(const http_request& request,
                                                                                           const upstream::provider& at,
                                                                                           std::string state) {
    const auto refused = [](std::string_view why) {
        return std::unexpected(stopped_page(403, std::string(why) + " Sign in again.", "/sign-in"));
    };
    if (state.size() != state_chars) co_return refused("This is no answer of a provider.");
    const auto who = co_await with_.web.find(request);
    if (!who) co_return std::unexpected(trouble_page(who.error()));
    std::vector<std::string> tokens{with_.web.visitor_of(request).form_token};
    if (*who) tokens.push_back((*who)->form_token);
    std::vector<std::string> hashes;
    for (const auto& token : tokens) hashes.push_back(sha256(token));
    auto take = [this, hash = sha256(state), id = at.options().id, hashes] {
        return with_.visits.take(hash, id, hashes);
    };
    const auto found = co_await on_pool(with_, std::move(take));
    if (!found && found.error().code == errc::not_found) co_return refused(found.error().message);
    if (!found) co_return std::unexpected(trouble_page(found.error()));
    const auto& token = found->visitor_hash == hashes.front() ? tokens.front() : tokens.back();
    auto proven_by = upstream::make_proof(token, state);
    const auto continue_at = common::crypto::sealer(proven_by.seal_key).open(found->what.continue_at, sealed_for);
    if (!continue_at) co_return refused("What was kept of this sign-in is damaged.");
    // Who has signed in or out meanwhile is not who began.
    const bool of_somebody = !found->what.user_id.empty();
    if (of_somebody && (!*who || (*who)->user_id != found->what.user_id))
        co_return refused("Somebody else is signed in now, or nobody any more.");
    co_return arrival{found->what, std::move(proven_by), *continue_at};
}

awaitable<http_response> provider_pages::judge(const http_request& request, upstream::provider& at,
                                               const pages::form& answer) {
    auto back = co_await recognise(request, at, std::string(answer.get("state")));
    if (!back) co_return std::move(back.error());
    const std::string page = origin_page(back->visit, back->continue_at);
    const auto fail = [&](const upstream::problem& p) {
        with_.log.warning("a provider's answer signs nobody in", {{"provider", at.options().id}, {"why", p.log_text}});
        if (p.what == upstream::failure::unavailable) {
            with_.limits.take_back(request);
            return stopped_page(503, unavailable_sentence(at), page);
        }
        return stopped_page(
            403, fmt::format("The answer of {} could not be accepted, so nothing was changed.", at.options().name),
            page);
    };
    std::optional<std::string> iss;
    if (const auto given = answer.find("iss")) iss.emplace(*given);
    const auto genuine = co_await at.check_issuer(std::move(iss));
    if (!genuine) co_return fail(genuine.error());
    if (answer.get("error") == "access_denied") {
        with_.limits.take_back(request);
        co_return stopped_page(200, fmt::format("You did not go on with {}. Nothing was changed.", at.options().name),
                               page, "Nothing has happened");
    }
    if (answer.find("error")) co_return fail({upstream::failure::refused, "it answered with an error"});
    if (!is_code(answer.get("code"))) co_return fail({upstream::failure::refused, "its answer has no code"});
    const auto who = co_await at.redeem({std::string(answer.get("code")), back->proven_by});
    if (!who) co_return fail(who.error());
    // OpenID Connect Core §3.1.3.7, 13. A minute for its clock.
    if (back->visit.what_for == purpose::confirm && who->authenticated_at &&
        *who->authenticated_at + skew_s < back->visit.begun_at / 1000)
        co_return fail({upstream::failure::refused, "it did not ask again who it is"});
    with_.limits.take_back(request);
    co_return co_await settle(request, at, std::move(*back), *who);
}

awaitable<http_response> provider_pages::settle(const http_request& request, const upstream::provider& at, arrival back,
                                                upstream::identity who) {
    const outside_account outside{at.options().id, who.issuer, who.subject, proven_at(back.visit, who)};
    if (back.visit.what_for == purpose::welcome) co_return co_await welcome(request, at, std::move(back), outside);
    if (back.visit.what_for != purpose::link) co_return co_await sign_in(request, at, std::move(back), outside);
    auto link = [this, user = back.visit.user_id, outside] { return with_.linked.link(user, outside); };
    const auto done = co_await on_pool(with_, std::move(link));
    if (!done && (done.error().code == errc::key_conflict || done.error().code == errc::invalid))
        co_return stopped_page(409, done.error().message, "/account");
    if (!done) co_return trouble_page(done.error());
    co_return pages::see_other("/account?done=linked");
}

awaitable<http_response> provider_pages::sign_in(const http_request& request, const upstream::provider& at,
                                                 arrival back, outside_account who) {
    const std::string old = with_.web.secret_of(request);
    auto begin = [this, who, replaced = old.empty() ? old : sha256(old), user = back.visit.user_id] {
        return with_.linked.sign_in(who, replaced, user);
    };
    const auto session = co_await on_pool(with_, std::move(begin));
    const std::string page = origin_page(back.visit, back.continue_at);
    if (!session && session.error().code == errc::not_found)
        co_return stopped_page(
            403,
            fmt::format(
                "Nobody of this hub is linked with that account of {}. If you have an account of this hub, sign "
                "in another way and link it on your account page; or else ask an admin for an invitation.",
                at.options().name),
            page, "You are not known here yet");
    if (!session && session.error().code == errc::key_conflict)
        co_return stopped_page(403, session.error().message, page);
    if (!session) co_return trouble_page(session.error());
    co_return pages::see_other(back.continue_at, {{"Set-Cookie", with_.web.set_cookie(session->secret)}});
}

awaitable<http_response> provider_pages::welcome(const http_request& request, const upstream::provider& at,
                                                 arrival back, outside_account who) {
    auto use = [this, visit = back.visit, who] {
        return with_.people.use_link(visit.link_hash, {visit.name, visit.email, {}}, who);
    };
    const auto session = co_await on_pool(with_, std::move(use));
    if (!session && session.error().code == errc::key_conflict)
        co_return stopped_page(
            409,
            fmt::format("{} Use another account of {}, or set a password.", session.error().message, at.options().name),
            back.continue_at);
    if (!session && (session.error().code == errc::invalid || session.error().code == errc::already_exists))
        co_return stopped_page(409, session.error().message, back.continue_at);
    if (!session) co_return trouble_page(session.error());
    // Whoever was signed in here before is not any more.
    auto end = [this, old = sha256(with_.web.secret_of(request))] { return with_.people.end_session(old); };
    std::ignore = co_await on_pool(with_, std::move(end));
    co_return pages::see_other("/account", {{"Set-Cookie", with_.web.set_cookie(session->secret)}});
}

awaitable<http_response> provider_pages::unlink(signed_in who, std::string id) {
    if (!is_fresh(who, tenancy::system_time_ms())) co_return pages::see_other(confirm_path("/account"));
    auto end = [this, user = who.user_id, id, issuers = with_.providers.issuers()] {
        return with_.linked.unlink(user, id, issuers);
    };
    const auto done = co_await on_pool(with_, std::move(end));
    if (!done && done.error().code == errc::invalid) co_return stopped_page(400, done.error().message, "/account");
    if (!done) co_return trouble_page(done.error());
    co_return pages::see_other("/account?done=unlinked");
}

}  // namespace hub::people
