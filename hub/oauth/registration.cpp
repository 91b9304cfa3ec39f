#include "hub/oauth/registration.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "common/crypto/digest.hpp"
#include "hub/oauth/answers.hpp"
#include "hub/oauth/client_name.hpp"
#include "hub/oauth/limits.hpp"
#include "hub/oauth/redirect_uri.hpp"
#include "hub/oauth/scopes.hpp"
#include "hub/oauth/secrets.hpp"

namespace hub::oauth {

using common::net::http_response;
using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 3> auth_methods{"none", "client_secret_basic", "client_secret_post"};

std::unexpected<http_response> bad_metadata(std::string_view why) {
    return std::unexpected(error_answer(400, "invalid_client_metadata", why));
}

// Not deeper than allowed, and small.
json parse_bounded(std::string_view body) {
    const auto within = [](int depth, json::parse_event_t, json&) {
        if (depth > limits::registration_depth_max) throw std::length_error("too deep");
        return true;
    };
    try {
        return json::parse(body, within, false);
    } catch (const std::length_error&) {
        return json(json::value_t::discarded);
    }
}

std::expected<std::string, http_response> text_of(const json& body, const char* name, std::string_view otherwise) {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null()) return std::string(otherwise);
    if (!found->is_string()) return bad_metadata(std::string(name) + " must be a string.");
    return found->get<std::string>();
}

std::expected<std::vector<std::string>, http_response> redirect_uris_of(const json& body) {
    const auto found = body.find("redirect_uris");
    if (found == body.end() || !found->is_array() || found->empty() || found->size() > limits::redirect_uris_max)
        return std::unexpected(
            error_answer(400, "invalid_redirect_uri", "redirect_uris must be an array of 1 to 10 URIs."));
    std::vector<std::string> uris;
    for (const auto& one : *found) {
        if (!one.is_string())
            return std::unexpected(error_answer(400, "invalid_redirect_uri", "Each redirect URI must be a string."));
        const auto& uri = one.get_ref<const std::string&>();
        if (const auto why = why_not_redirect_uri(uri))
            return std::unexpected(error_answer(400, "invalid_redirect_uri", *why));
        uris.push_back(uri);
    }
    return uris;
}

// Grant and response types that a client names must be ours (RFC 7591 §2.1).
bool all_among(const json& body, const char* name, std::initializer_list<std::string_view> ours) {
    const auto found = body.find(name);
    if (found == body.end()) return true;
    return found->is_array() && std::ranges::any_of(*found, [&](const json& one) {
               return one.is_string() && std::ranges::find(ours, one.get_ref<const std::string&>()) != ours.end();
           });
}

}  // namespace

std::expected<registration, http_response> read_registration(const common::net::http_request& request) {
    const auto type = request.fields.find("Content-Type");
    if (!type || !type->starts_with("application/json")) return bad_metadata("Send the metadata as application/json.");
    if (request.body.size() > limits::registration_bytes_max)
        return bad_metadata("The metadata is larger than 16 KiB.");
    const auto body = parse_bounded(request.body);
    if (!body.is_object()) return bad_metadata("The body must be a JSON object, not deeper than 8 levels.");
    if (body.contains("software_statement"))
        return std::unexpected(
            error_answer(400, "invalid_software_statement", "Software statements are not taken here."));

    registration asked;
    auto uris = redirect_uris_of(body);
    if (!uris) return std::unexpected(std::move(uris.error()));
    asked.fields.redirect_uris = std::move(*uris);
    const auto name = text_of(body, "client_name", "");
    if (!name) return std::unexpected(name.error());
    asked.fields.name = clean_client_name(*name, asked.fields.redirect_uris.front());
    const auto method = text_of(body, "token_endpoint_auth_method", "none");
    if (!method) return std::unexpected(method.error());
    if (std::ranges::find(auth_methods, *method) == auth_methods.end())
        return bad_metadata("token_endpoint_auth_method must be none, client_secret_basic or client_secret_post.");
    asked.fields.auth_method = *method;
    if (!all_among(body, "grant_types", {"authorization_code"}))
        return bad_metadata("grant_types must be an array with authorization_code.");
    if (!all_among(body, "response_types", {"code"})) return bad_metadata("response_types must be an array with code.");
    const auto scope = text_of(body, "scope", "");
    if (!scope) return std::unexpected(scope.error());
    asked.scope = scope->size() <= limits::scope_bytes_max ? *scope : "";
    const auto application = text_of(body, "application_type", "");
    if (!application) return std::unexpected(application.error());
    asked.application_type = *application == "web" || *application == "native" ? *application : "";

    if (asked.fields.auth_method != "none") {
        asked.secret = new_secret(client_secret_prefix);
        asked.fields.secret_hash = common::crypto::sha256(asked.secret);
    }
    return asked;
}

http_response registration_answer(const registration& asked, const client& made, std::int64_t now_ms) {
    json body{{"client_id", made.id},
              {"client_id_issued_at", now_ms / 1000},
              {"client_name", made.name},
              {"redirect_uris", made.redirect_uris},
              {"grant_types", {"authorization_code", "refresh_token"}},
              {"response_types", {"code"}},
              {"token_endpoint_auth_method", made.auth_method}};
    if (!asked.scope.empty()) body["scope"] = asked.scope;
    if (!asked.application_type.empty()) body["application_type"] = asked.application_type;
    if (!asked.secret.empty()) {
        body["client_secret"] = asked.secret;
        body["client_secret_expires_at"] = 0;
    }
    return json_answer(201, body);
}

}  // namespace hub::oauth
