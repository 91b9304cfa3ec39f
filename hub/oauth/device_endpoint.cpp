#include "hub/oauth/device_endpoint.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "hub/oauth/answers.hpp"
#include "hub/oauth/client_finder.hpp"
#include "hub/oauth/device_page.hpp"
#include "hub/oauth/limits.hpp"
#include "hub/oauth/scopes.hpp"
#include "hub/oauth/secrets.hpp"
#include "hub/people/parts.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::oauth {

using common::net::http_request;
using common::net::http_response;

namespace {

constexpr std::size_t machine_text_bytes_max = 128;

http_response refusal_answer(device_refusal why) {
    switch (why) {
        case device_refusal::authorization_pending:
            return error_answer(400, "authorization_pending", "Nobody has decided yet.");
        case device_refusal::slow_down:
            return error_answer(400, "slow_down", "Ask less often.");
        case device_refusal::access_denied:
            return error_answer(400, "access_denied", "The person refused.");
        case device_refusal::expired_token:
            break;
    }
    return error_answer(400, "expired_token", "This code is too old, or none. Start again.");
}

// "m_" and base32 of 15 bytes.
bool is_machine_id(std::string_view id) {
    return id.size() == 26 && id.starts_with("m_") &&
           id.substr(2).find_first_not_of("abcdefghijklmnopqrstuvwxyz234567") == std::string_view::npos;
}

std::string device_path(std::string_view user_code) { return "/device?user_code=" + shown_user_code(user_code); }

}  // namespace

device_endpoint::device_endpoint(std::string origin, store& rows, common::async::blocking_pool& pool,
                                 people::sessions& people, request_limits& limits)
    : origin_(std::move(origin)), rows_(rows), pool_(pool), people_(people), limits_(limits) {}

device_endpoint::answer device_endpoint::authorize(const http_request& request) {
    if (request.method != "POST") co_return wrong_method_answer("POST");
    const auto form = pages::is_form(request) ? pages::parse_form(request.body) : std::unexpected(std::string());
    if (!form)
        co_return error_answer(400, "invalid_request", "Send the parameters as application/x-www-form-urlencoded.");
    if (form->get("client_id") != setup_client_id)
        co_return error_answer(400, "unauthorized_client",
                               "Only codez setup adds machines. Other clients use /authorize.");
    if (const auto scope = form->find("scope"); scope && *scope != enroll_scope)
        co_return error_answer(400, "invalid_scope", "A device code gives agent:enroll and nothing else.");
    device_request asked;
    asked.machine_name = form->get("machine_name");
    asked.machine_os = form->get("machine_os");
    asked.machine_id = form->get("machine_id");
    asked.address = limits_.address_of(request);
    if (!tenancy::is_name(asked.machine_name, machine_text_bytes_max) || !is_machine_id(asked.machine_id) ||
        !tenancy::is_plain_text(asked.machine_os, machine_text_bytes_max))
        co_return error_answer(400, "invalid_request",
                               "machine_name, machine_os and machine_id must say which machine asks.");
    if (const auto wait = limits_.beginning(request)) co_return too_many_answer(*wait);

    const auto made = co_await pool_.run([&] { return rows_.begin_device(asked); });
    if (!made) co_return unavailable_answer();
    if (!*made) co_return database_answer(made->error());
    co_return json_answer(200, {{"device_code", (*made)->device_code},
                                {"user_code", shown_user_code((*made)->user_code)},
                                {"verification_uri", origin_ + "/device"},
                                {"verification_uri_complete", origin_ + device_path((*made)->user_code)},
                                {"expires_in", limits::device_ms / 1000},
                                {"interval", limits::device_interval_ms / 1000}});
}

device_endpoint::answer device_endpoint::token(const pages::form& form) {
    const std::string code(form.get("device_code"));
    if (code.empty()) co_return error_answer(400, "invalid_request", "device_code is missing.");
    if (form.get("client_id") != setup_client_id)
        co_return error_answer(400, "unauthorized_client", "Only codez setup adds machines.");
    if (!looks_like(device_code_prefix, code)) co_return refusal_answer(device_refusal::expired_token);
    const auto told = co_await pool_.run([&] { return rows_.poll_device(code); });
    if (!told) co_return unavailable_answer();
    if (!*told) co_return database_answer(told->error());
    if (!**told) co_return refusal_answer((*told)->error());
    co_return json_answer(200, {{"access_token", (**told)->join_token},
                                {"token_type", "Bearer"},
                                {"expires_in", limits::device_ms / 1000},
                                {"scope", enroll_scope}});
}

device_endpoint::answer device_endpoint::page(const http_request& request) {
    if (request.method != "GET" && request.method != "POST") co_return people::not_allowed_page("GET, POST");
    const auto person = co_await people_.find(request);
    if (!person) co_return people::trouble_page(person.error());
    const auto fields = pages::parse_form(request.method == "GET" ? request.query : request.body);
    const std::string code = clean_user_code(fields ? fields->get("user_code") : std::string_view());
    const std::string here = code.empty() ? "/device" : device_path(code);
    // A machine is let in for long: by somebody who is there now.
    if (!*person || !people::is_fresh(**person, tenancy::system_time_ms()))
        co_return pages::see_other(people::confirm_path(here));
    if (request.method == "POST") co_return co_await decide(request, **person);
    co_return co_await show(request, **person);
}

device_endpoint::answer device_endpoint::show(const http_request& request, const people::signed_in& person) {
    const auto query = pages::parse_form(request.query);
    const std::string code = clean_user_code(query ? query->get("user_code") : std::string_view());
    if (code.empty()) co_return pages::render(device_code_page({}));
    if (const auto wait = limits_.user_code(request, person.user_id)) {
        auto page = device_code_page("There were too many wrong codes. Wait some minutes.");
        page.status = 429;
        co_return pages::render(page);
    }
    const auto machine = co_await pool_.run([&] { return rows_.find_device(code); });
    if (!machine) co_return people::trouble_page(busy());
    if (!*machine && machine->error().code == tenancy::errc::not_found)
        co_return pages::render(device_code_page(machine->error().message));
    if (!*machine) co_return people::trouble_page(machine->error());
    limits_.user_code_was_right(request, person.user_id);
    auto places = co_await pool_.run([&] { return rows_.memberships_of(person.user_id); });
    if (!places) co_return people::trouble_page(busy());
    if (!*places) co_return people::trouble_page(places->error());
    std::erase_if(**places, [](const auto& one) { return one.role < tenancy::role::admin; });
    if ((*places)->empty()) {
        pages::page page{.status = 403,
                         .title = "Not by you",
                         .main = people::error_html("Only admins and owners of a workspace may add machines to it.")};
        co_return pages::render(page);
    }
    const std::string address = limits_.address_of(request);
    co_return pages::render(device_question_page({**machine, **places, person.name, address, person.form_token}));
}

device_endpoint::answer device_endpoint::decide(const http_request& request, const people::signed_in& person) {
    const auto posted = pages::is_form(request) ? pages::parse_form(request.body) : std::unexpected(std::string());
    if (!posted || !people_.posted_by_own_page(request, person, *posted)) co_return people::foreign_form_page();
    const std::string code = clean_user_code(posted->get("user_code"));
    const device_decision what{person.user_id, std::string(posted->get("workspace")),
                               posted->get("decision") == "allow"};
    const auto machine = co_await pool_.run([&] { return rows_.find_device(code); });
    if (!machine) co_return people::trouble_page(busy());
    const auto done = co_await pool_.run([&] { return rows_.decide_device(code, what); });
    if (!done) co_return people::trouble_page(busy());
    if (!*machine || !*done) {
        const auto& problem = !*machine ? machine->error() : done->error();
        if (problem.code == tenancy::errc::not_found) co_return pages::render(device_code_page(problem.message));
        co_return people::trouble_page(problem);
    }
    co_return pages::render(device_done_page(what.allowed, (*machine)->machine_name));
}

}  // namespace hub::oauth
