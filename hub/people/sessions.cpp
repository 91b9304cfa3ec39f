#include "hub/people/sessions.hpp"

#include <fmt/format.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/net/web_origin.hpp"
#include "hub/pages/html.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::people {

using common::net::http_request;

namespace {

constexpr std::string_view token_name = "form_token";
constexpr std::size_t secret_chars = 43;  // 32 bytes as base64url

std::string port_of(std::string_view origin) {
    const auto colon = origin.rfind(':');
    const auto port = origin.substr(colon + 1);
    return port.empty() || port.find_first_not_of("0123456789") != std::string_view::npos ? "80" : std::string(port);
}

// Whoever reads a page's token does not have the cookie by that.
std::string token_of(std::string_view secret) {
    return common::crypto::base64url_encode(common::crypto::hmac_sha256(secret, "codez form token"));
}

bool from_own_page(const http_request& request, std::string_view origin) {
    if (request.fields.count("Origin") > 0) return common::net::origin_of(request) == origin;
    if (request.fields.count("Sec-Fetch-Site") != 1) return false;
    const auto site = request.fields.find("Sec-Fetch-Site");
    return site == "same-origin" || site == "none";
}

}  // namespace

sessions::sessions(std::string_view public_url, store& people, common::async::blocking_pool& pool)
    : origin_(common::net::normal_origin(public_url)),
      secure_(origin_.starts_with("https://")),
      name_(secure_ ? "__Host-codez" : "codez_" + port_of(origin_)),
      visitor_name_(secure_ ? "__Host-codez-visitor" : "codez_visitor_" + port_of(origin_)),
      people_(people),
      pool_(pool) {}

boost::asio::awaitable<std::expected<std::optional<signed_in>, tenancy::error>> sessions::find(
    const http_request& request) {
    const std::string secret = secret_of(request);
    if (secret.empty()) co_return std::nullopt;
    auto look_up = [this, hash = common::crypto::sha256(secret)] { return people_.find_session(hash); };
    const auto found = co_await pool_.run(std::move(look_up));
    if (!found)
        co_return std::unexpected(
            tenancy::error{tenancy::errc::unavailable, std::string(common::async::to_sentence(found.error())), {}});
    if (!*found) co_return std::unexpected(found->error());
    if (!**found) co_return std::nullopt;
    const session& s = ***found;
    co_return signed_in{s.user.id, s.user.name, s.user.email, s.id, s.authenticated_at, token_of(secret)};
}

bool sessions::posted_by_own_page(const http_request& request, std::string_view form_token,
                                  const pages::form& form) const {
    return request.method == "POST" && !form_token.empty() && from_own_page(request, origin_) &&
           form.count(token_name) == 1 && common::crypto::constant_time_equal(form.get(token_name), form_token);
}

std::string sessions::set_cookie(std::string_view secret) const { return cookie(name_, secret, session_ms / 1000); }

std::string sessions::clear_cookie() const { return cookie(name_, "", 0); }

sessions::visitor sessions::visitor_of(const http_request& request) const {
    const std::string secret = read_cookie(request, visitor_name_);
    if (!secret.empty()) return {token_of(secret), {}};
    const std::string fresh = common::crypto::base64url_encode(common::crypto::random_bytes(32));
    return {token_of(fresh), cookie(visitor_name_, fresh, session_ms / 1000)};
}

std::string sessions::read_cookie(const http_request& request, std::string_view name) const {
    std::string value;
    int found = 0;
    for (const auto& [field, text] : request.fields.all()) {
        if (tenancy::lower_case(field) != "cookie") continue;
        std::string_view rest = text;
        while (!rest.empty()) {
            const auto end = std::min(rest.find(';'), rest.size());
            std::string_view pair = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            while (pair.starts_with(' ')) pair.remove_prefix(1);
            if (pair.size() <= name.size() || !pair.starts_with(name) || pair[name.size()] != '=') continue;
            value = pair.substr(name.size() + 1);
            ++found;
        }
    }
    // Two of one name: somebody else has set one of them, and nobody can tell which.
    const bool well_formed = found == 1 && value.size() == secret_chars && common::crypto::base64url_decode(value);
    return well_formed ? value : std::string();
}

std::string sessions::cookie(std::string_view name, std::string_view value, std::int64_t max_age_s) const {
    return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", name, value, max_age_s,
                       secure_ ? "; Secure" : "");
}

std::string form_token_field(std::string_view token) {
    return fmt::format("<input type=\"hidden\" name=\"{}\" value=\"{}\">", token_name, pages::escape(token));
}

}  // namespace hub::people
