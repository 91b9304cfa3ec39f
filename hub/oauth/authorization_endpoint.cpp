#include "hub/oauth/authorization_endpoint.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/auth/resource.hpp"
#include "hub/oauth/authorization_request.hpp"
#include "hub/oauth/connections_page.hpp"
#include "hub/oauth/consent_page.hpp"
#include "hub/oauth/redirect_uri.hpp"
#include "hub/oauth/scopes.hpp"
#include "hub/pages/form.hpp"
#include "hub/pages/html.hpp"

namespace hub::oauth {

using common::net::http_request;
using common::net::http_response;

namespace {

// Who has more gives access to all, or to machines of a smaller workspace.
constexpr int machines_shown_max = 200;

// Shown, never redirected to: nobody knows yet that the redirect URI is the client's (RFC 9700 §4.11).
http_response error_page(int status, std::string_view title, std::string_view message) {
    pages::page page;
    page.status = status;
    page.title = title;
    page.main = fmt::format("<p class=\"error\">{}</p>", pages::escape(message));
    return pages::render(page);
}

http_response database_page(const tenancy::error& e) {
    if (e.code == tenancy::errc::unavailable || e.code == tenancy::errc::in_doubt)
        return error_page(503, "Not now", e.message + " Load this page again in a moment.");
    if (e.code == tenancy::errc::failed)
        return error_page(500, "Failed", "The hub failed. Try again, and tell its operator if it stays.");
    return error_page(400, "This does not go on", e.message);
}

http_response wrong_method_page(std::string allowed) {
    auto answer = error_page(405, "Not here", "Open this page by a link of the application that you want to connect.");
    answer.fields.add("Allow", std::move(allowed));
    return answer;
}

std::string consent_path(const std::string& request_id) { return "/consent?request=" + request_id; }

http_response sign_in_first(const std::string& request_id, bool again) {
    return pages::see_other(fmt::format("/sign-in?continue={}{}", pages::encode_component(consent_path(request_id)),
                                        again ? "&again=1" : ""));
}

}  // namespace

authorization_endpoint::authorization_endpoint(std::string origin, store& rows, common::async::blocking_pool& pool,
                                               client_finder& clients, people::sessions& people, request_limits& limits)
    : origin_(std::move(origin)), rows_(rows), pool_(pool), clients_(clients), people_(people), limits_(limits) {}

http_response authorization_endpoint::with_code(const authorization_request& request, const std::string& code) const {
    std::vector<std::pair<std::string_view, std::string>> parameters{{"code", code}};
    if (!request.state.empty()) parameters.emplace_back("state", request.state);
    parameters.emplace_back("iss", origin_);  // RFC 9207
    return pages::see_other(with_parameters(request.redirect_uri, parameters));
}

http_response authorization_endpoint::with_error(std::string_view redirect_uri, std::string_view state,
                                                 std::string_view error, std::string_view description) const {
    std::vector<std::pair<std::string_view, std::string>> parameters{{"error", std::string(error)},
                                                                     {"error_description", std::string(description)}};
    if (!state.empty()) parameters.emplace_back("state", state);
    parameters.emplace_back("iss", origin_);
    return pages::see_other(with_parameters(redirect_uri, parameters));
}

authorization_endpoint::answer authorization_endpoint::authorize(const http_request& request) {
    if (request.method != "GET") co_return wrong_method_page("GET");
    constexpr std::string_view title = "This application cannot be connected";
    if (limits_.beginning(request))
        co_return error_page(429, title, "Too many tries from your address. Wait a minute.");
    const auto query = pages::parse_form_with_doubles(request.query);
    if (!query) co_return error_page(400, title, query.error());
    if (query->count("client_id") != 1 || query->count("redirect_uri") != 1)
        co_return error_page(400, title, "The application must send one client_id and one redirect_uri.");
    const auto from = co_await clients_.find(std::string(query->get("client_id")));
    if (!from && from.error().code != tenancy::errc::not_found) co_return database_page(from.error());
    if (!from) co_return error_page(400, title, from.error().message);
    if (!is_registered(from->redirect_uris, query->get("redirect_uri")))
        co_return error_page(
            400, title, "The application asks for an answer at an address that it did not register (redirect_uri).");

    auto judged = judge_request(*query, origin_);
    if (!judged)
        co_return with_error(query->get("redirect_uri"), query->get("state"), judged.error().error,
                             judged.error().description);
    co_return co_await go_on(request, *from, std::move(*judged));
}

boost::asio::awaitable<result<std::optional<resource_server>>> authorization_endpoint::resource_of(
    std::string audience) {
    if (audience == common::auth::own_audience(origin_)) co_return std::nullopt;
    auto found = co_await pool_.run([&] { return rows_.find_resource_by_url(audience); });
    if (!found) co_return std::unexpected(busy());
    if (!*found) co_return std::unexpected(std::move(found->error()));
    co_return std::move(**found);
}

authorization_endpoint::answer authorization_endpoint::go_on(const http_request& request, const client& from,
                                                             judged_request judged) {
    const auto& asked = judged.request;
    const auto refuse = [&](std::string_view error, std::string_view description) {
        return with_error(asked.redirect_uri, asked.state, error, description);
    };
    const auto resource = co_await resource_of(asked.audience);
    if (!resource && resource.error().code == tenancy::errc::not_found)
        co_return refuse("invalid_target", "This hub does not give out tokens for that resource.");
    const auto person = co_await people_.find(request);
    if (!person || !resource) co_return refuse("temporarily_unavailable", "The hub is busy. Try again in a moment.");
    if (*person && !judged.ask_always && !*resource) {
        const auto code = co_await allowed_before(**person, from, asked);
        if (!code) co_return refuse("temporarily_unavailable", "The hub is busy. Try again in a moment.");
        if (*code) co_return with_code(asked, **code);
    }
    if (!judged.may_ask && !*person)
        co_return refuse("login_required", "Nobody is signed in at the hub in this browser.");
    if (!judged.may_ask) co_return refuse("consent_required", "The person has to allow this first.");

    auto begun = co_await pool_.run([&] { return rows_.begin_authorization(asked); });
    if (!begun || !*begun) co_return refuse("temporarily_unavailable", "The hub is busy. Try again in a moment.");
    co_return pages::see_other(consent_path(**begun));
}

boost::asio::awaitable<result<std::optional<std::string>>> authorization_endpoint::allowed_before(
    const people::signed_in& person, const client& from, const authorization_request& request) {
    // Whatever program listens on loopback could have come in the other one's stead.
    if (is_loopback_redirect(request.redirect_uri)) co_return std::nullopt;
    auto known = co_await pool_.run([&] { return rows_.grants_of(person.user_id, from.id); });
    if (!known) co_return std::unexpected(busy());
    if (!*known) co_return std::unexpected(known->error());
    if ((*known)->size() != 1) co_return std::nullopt;
    const auto& grant = (*known)->front();
    if (grant.redirect_host != destination_of(request.redirect_uri)) co_return std::nullopt;
    std::vector<std::string> wanted = request.scopes;
    std::erase_if(wanted, is_about_tokens);
    if (!are_within(wanted, grant.scopes)) co_return std::nullopt;

    auto code = co_await pool_.run([&] { return rows_.renew(request, grant); });
    if (!code) co_return std::unexpected(busy());
    if (!*code) co_return std::unexpected(code->error());
    co_return std::move(**code);
}

authorization_endpoint::answer authorization_endpoint::consent(const http_request& request) {
    if (request.method != "GET" && request.method != "POST") co_return wrong_method_page("GET, POST");
    const auto fields = pages::parse_form(request.method == "GET" ? request.query : request.body);
    if (!fields) co_return error_page(400, "This does not go on", fields.error());
    const std::string id(fields->get("request"));
    const auto asked = co_await pool_.run([&] { return rows_.find_authorization(id); });
    if (!asked) co_return database_page(busy());
    if (!*asked) co_return database_page(asked->error());

    const auto person = co_await people_.find(request);
    if (!person) co_return database_page(person.error());
    const bool dangerous = is_dangerous((*asked)->scopes);
    if (!*person) co_return sign_in_first(id, (*asked)->login_again || dangerous);
    const bool asked_to = (*asked)->login_again && (*person)->authenticated_at < (*asked)->created_at;
    const bool has_to = dangerous && !people::is_fresh(**person, tenancy::system_time_ms());
    if (asked_to || has_to) co_return sign_in_first(id, true);
    if (request.method == "POST") co_return co_await decide(**person, request);
    co_return co_await show(**person, **asked);
}

authorization_endpoint::answer authorization_endpoint::show(const people::signed_in& person,
                                                            const authorization_request& request) {
    const auto from = co_await clients_.find(request.client_id);
    if (!from) co_return database_page(from.error());
    const auto resource = co_await resource_of(request.audience);
    if (!resource) co_return database_page(resource.error());
    auto places = co_await pool_.run([&] { return rows_.memberships_of(person.user_id); });
    if (!places) co_return database_page(busy());
    if (!*places) co_return database_page(places->error());
    if (*resource)
        std::erase_if(**places, [&](const auto& one) { return one.workspace_id != (*resource)->workspace_id; });
    if ((*places)->empty())
        co_return error_page(403, "No workspace",
                             "You are not a member of a workspace that has this. Ask its owner to invite you.");
    const auto machines = co_await pool_.run([&] { return rows_.machines_of(person.user_id, machines_shown_max); });
    if (!machines) co_return database_page(busy());
    if (!*machines) co_return database_page(machines->error());
    co_return pages::render(
        consent_page({request, *from, *resource, **places, **machines, person.name, person.form_token}));
}

authorization_endpoint::answer authorization_endpoint::decide(const people::signed_in& person,
                                                              const http_request& request) {
    const auto posted = pages::is_form(request) ? pages::parse_form(request.body) : std::unexpected(std::string());
    if (!posted || !people_.posted_by_own_page(request, person, *posted))
        co_return error_page(
            403, "Not sent",
            "This form was not sent by the hub's own page, or the page is too old. Go back, load it again and decide there.");
    const std::string id(posted->get("request"));
    if (posted->get("decision") != "allow") {
        const auto denied = co_await pool_.run([&] { return rows_.deny(id, person.user_id); });
        if (!denied) co_return database_page(busy());
        if (!*denied) co_return database_page(denied->error());
        co_return with_error((*denied)->redirect_uri, (*denied)->state, "access_denied", "The person refused.");
    }
    const auto workspace = chosen_workspace(*posted);
    if (!workspace) co_return error_page(400, "This does not go on", "Choose a workspace.");
    const approval what{person.user_id, *workspace, ticked_scopes(*posted), chosen_machines(*posted)};
    const auto asked = co_await pool_.run([&] { return rows_.find_authorization(id); });
    if (!asked) co_return database_page(busy());
    if (!*asked) co_return database_page(asked->error());
    const auto code = co_await pool_.run([&] { return rows_.approve(id, what); });
    if (!code) co_return database_page(busy());
    if (!*code) co_return database_page(code->error());
    co_return with_code(**asked, **code);
}

authorization_endpoint::answer authorization_endpoint::connections(const http_request& request) {
    if (request.method != "GET" && request.method != "POST") co_return wrong_method_page("GET, POST");
    const auto person = co_await people_.find(request);
    if (!person) co_return database_page(person.error());
    if (!*person) co_return pages::see_other("/sign-in?continue=/connections");
    std::string done;
    if (request.method == "POST") {
        const auto posted = pages::is_form(request) ? pages::parse_form(request.body) : std::unexpected(std::string());
        if (!posted || !people_.posted_by_own_page(request, **person, *posted))
            co_return error_page(
                403, "Not sent",
                "This form was not sent by the hub's own page, or the page is too old. Load it again.");
        const std::string id(posted->get("grant"));
        const auto ended = co_await pool_.run([&] { return rows_.revoke_grant((*person)->user_id, id); });
        if (!ended) co_return database_page(busy());
        if (!*ended) co_return database_page(ended->error());
        done = "It has no access any more.";
    }
    const auto grants = co_await pool_.run([&] { return rows_.grants_of((*person)->user_id); });
    if (!grants) co_return database_page(busy());
    if (!*grants) co_return database_page(grants->error());
    co_return pages::render(connections_page(**grants, (*person)->form_token, done));
}

}  // namespace hub::oauth
