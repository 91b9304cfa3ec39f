// What a browser sends, or somebody who pretends to be one: forms, ways to go on, forwarded addresses, passkeys.
#include <algorithm>
#include <string>

#include "common/net/client_address.hpp"
#include "common/net/http_format.hpp"
#include "common/net/url_encoding.hpp"
#include "hub/pages/form.hpp"
#include "hub/pages/html.hpp"
#include "hub/people/parts.hpp"
#include "hub/people/webauthn.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

namespace {

using namespace hub;

void read_form(std::string_view input) {
    const auto form = pages::parse_form_with_doubles(input);
    require(pages::parse_form(input).has_value() == (form && !form->doubled()));
    if (!form) return;
    require(form->all().size() <= pages::form_fields_max);
    std::string again;
    for (const auto& [name, value] : form->all()) {
        require(tenancy::is_utf8(name) && tenancy::is_utf8(value));
        again += common::net::encode_component(name) + "=" + common::net::encode_component(value) + "&";
    }
    const auto same = pages::parse_form_with_doubles(again);
    // Encoding makes it longer, perhaps too long.
    require(again.size() > pages::form_bytes_max || (same && same->all() == form->all()));
}

void show(std::string_view input) {
    require(pages::escape(input).find_first_of("<>\"'") == std::string::npos);
    const std::string path = people::local_path(input);
    require(path.starts_with('/') && !path.starts_with("//") && !path.contains('\\'));
    require(std::ranges::all_of(path, [](char c) { return c > 0x20 && c < 0x7f; }));
    pages::page page;
    page.title = input;
    page.form_targets = {std::string(input)};
    const auto shown = pages::render(page);
    const std::string policy(*shown.fields.find("Content-Security-Policy"));
    require(std::ranges::count(policy, ';') == 5);
    // Throws for a field that would change the answer's structure.
    (void)common::net::format_response_head({.status = 200, .fields = &shown.fields, .now = {}});
}

}  // namespace

void run(std::string_view input) {
    read_form(input);
    show(input);

    common::net::http_request request;
    request.peer_address = "10.0.0.1";
    request.fields.add("X-Forwarded-For", std::string(input));
    const auto trusted = common::net::parse_address_range("10.0.0.0/8");
    const std::string address = common::net::client_address(request, {*trusted});
    require(common::net::parse_address_range(address).has_value());
    require(!common::net::throttle_key(address).empty());
    if (const auto range = common::net::parse_address_range(input)) require(range->contains(range->first));

    (void)people::read_client_data(input, "webauthn.get", "https://hub.example.com");
    if (const auto said = people::read_authenticator_data(input, "hub.example.com"))
        require(said->credential_id.size() < input.size());
    if (people::is_passkey_key(input)) (void)people::is_passkey_signature(input, input, input, input);
}

}  // namespace fuzz
