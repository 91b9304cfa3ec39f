#include "hub/oauth/client_authentication.hpp"

#include <optional>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "hub/oauth/answers.hpp"
#include "hub/oauth/limits.hpp"

namespace hub::oauth {

using common::net::http_response;

namespace {

http_response malformed(std::string_view why) { return error_answer(400, "invalid_request", why); }

// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
std::optional<std::string> form_decoded(std::string_view text) {
    const auto decoded = pages::parse_form("v=" + std::string(text));
    if (!decoded || decoded->all().size() != 1) return std::nullopt;
    return std::string(decoded->get("v"));
}

// RFC 4648 §4, which differs from the URL's alphabet in two characters and the padding.
std::optional<std::string> base64_decoded(std::string_view text) {
    std::string url(text.substr(0, text.find_last_not_of('=') + 1));
    for (auto& c : url) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return common::crypto::base64url_decode(url);
}

std::optional<presented_client> read_basic(std::string_view value) {
    constexpr std::string_view scheme = "basic ";
    if (value.size() < scheme.size()) return std::nullopt;
    for (std::size_t i = 0; i < scheme.size(); ++i)
        if ((value[i] | 0x20) != scheme[i]) return std::nullopt;
    const auto decoded = base64_decoded(value.substr(scheme.size()));
    if (!decoded) return std::nullopt;
    const auto colon = decoded->find(':');
    if (colon == std::string::npos) return std::nullopt;
    auto id = form_decoded(std::string_view(*decoded).substr(0, colon));
    auto secret = form_decoded(std::string_view(*decoded).substr(colon + 1));
    if (!id || !secret || id->empty()) return std::nullopt;
    return presented_client{std::move(*id), std::move(*secret)};
}

}  // namespace

std::expected<presented_client, http_response> find_presented_client(const common::net::http_request& request,
                                                                     const pages::form& form) {
    presented_client one{std::string(form.get("client_id")), std::string(form.get("client_secret"))};
    if (const auto authorization = request.fields.find("Authorization")) {
        auto basic = read_basic(*authorization);
        if (!basic)
            return std::unexpected(malformed("The Authorization field must be of the form: Basic CREDENTIALS."));
        if (!one.secret.empty() || (!one.id.empty() && one.id != basic->id))
            return std::unexpected(malformed("Authenticate the client in one way, not in two (RFC 6749, 2.3)."));
        one = std::move(*basic);
    }
    if (one.id.empty()) return std::unexpected(malformed("client_id is missing."));
    if (one.id.size() > limits::client_id_bytes_max) return std::unexpected(malformed("client_id is too long."));
    return one;
}

bool proves(const client& known, const presented_client& presented) {
    if (known.secret_hash.empty()) return presented.secret.empty();
    return common::crypto::constant_time_equal(known.secret_hash, common::crypto::sha256(presented.secret));
}

http_response unknown_client_answer() {
    auto answer = error_answer(401, "invalid_client",
                               "This client is not known here, or its secret is wrong. Register it again.");
    answer.fields.add("WWW-Authenticate", "Basic realm=\"codez\"");
    return answer;
}

}  // namespace hub::oauth
