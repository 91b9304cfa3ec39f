#include "hub/links/enrolment.hpp"

#include <utility>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "proto/limits.hpp"
#include "proto/messages.hpp"

namespace hub::links {

namespace {

using common::net::http_exchange;
using nlohmann::json;

constexpr std::size_t request_bytes_max = 16 * proto::limits::kib;

common::net::http_response answer(int status, const json& body) {
    common::net::http_response response{status, {}, body.dump(-1, ' ', false, json::error_handler_t::replace)};
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "no-store");
    return response;
}

common::net::http_response problem(int status, std::string_view code, std::string_view message) {
    return answer(status, json{{"error", code}, {"message", message}});
}

std::optional<std::string> text(const json& body, const char* name, std::size_t bytes_max) {
    const auto found = body.find(name);
    if (found == body.end() || !found->is_string() || found->get_ref<const std::string&>().size() > bytes_max)
        return std::nullopt;
    return found->get<std::string>();
}

int status_for(tenancy::errc code) {
    switch (code) {
        case tenancy::errc::invalid:
            return 400;
        case tenancy::errc::token_unknown:
        case tenancy::errc::token_expired:
        case tenancy::errc::token_used:
            return 401;
        case tenancy::errc::revoked:
            return 403;
        case tenancy::errc::already_exists:
            return 409;
        case tenancy::errc::unavailable:
            return 503;
        default:
            return 500;
    }
}

std::string_view code_for(tenancy::errc code) {
    switch (code) {
        case tenancy::errc::invalid:
            return "invalid_request";
        case tenancy::errc::token_unknown:
            return "token_unknown";
        case tenancy::errc::token_expired:
            return "token_expired";
        case tenancy::errc::token_used:
            return "token_used";
        case tenancy::errc::revoked:
            return "machine_revoked";
        case tenancy::errc::already_exists:
            return "already_exists";
        case tenancy::errc::unavailable:
            return "unavailable";
        default:
            return "internal";
    }
}

struct enroll_request {
    tenancy::enrolment fields;
    std::string nonce;
    std::string signature;
};

// The request as far as its form goes, or the sentence for a 400.
std::expected<enroll_request, std::string> parse(std::string_view body) {
    if (body.size() > request_bytes_max) return std::unexpected("The request is too large.");
    const auto parsed = json::parse(body, nullptr, false);
    if (!parsed.is_object()) return std::unexpected("The body must be a JSON object.");
    enroll_request request;
    const auto raw = [&](const char* name, std::size_t size) -> std::optional<std::string> {
        const auto encoded = text(parsed, name, 2 * size);
        auto bytes = encoded ? common::crypto::base64url_decode(*encoded) : std::nullopt;
        return bytes && bytes->size() == size ? bytes : std::nullopt;
    };
    const auto pub = raw("pub", common::crypto::ed25519_key::public_key_size);
    const auto nonce = raw("nonce", proto::limits::handshake_nonce_bytes);
    const auto sig = raw("sig", common::crypto::ed25519_key::signature_size);
    if (!pub || !nonce || !sig)
        return std::unexpected("`pub`, `nonce` and `sig` must be base64url of 32, 32 and 64 bytes.");
    const auto name = text(parsed, "name", proto::limits::name_bytes_max);
    if (!name) return std::unexpected("`name` must be a string of at most 128 bytes.");
    request.fields.public_key = *pub;
    request.fields.name = *name;
    request.fields.fields.version = text(parsed, "version", 64).value_or("");
    request.fields.fields.os = text(parsed, "os", 64).value_or("");
    request.fields.fields.arch = text(parsed, "arch", 64).value_or("");
    request.fields.fields.hostname = text(parsed, "hostname", 255).value_or("");
    request.nonce = *nonce;
    request.signature = *sig;
    return request;
}

}  // namespace

enrolment::enrolment(const hub_identity& identity, tenancy::store& store, common::async::blocking_pool& pool,
                     common::log::logger& log)
    : identity_(identity), store_(store), pool_(pool), log_(log) {}

boost::asio::awaitable<void> enrolment::handle(http_exchange& exchange) {
    const auto& request = exchange.request();
    if (request.method != "POST") {
        auto response = problem(405, "method_not_allowed", "Use POST.");
        response.fields.add("Allow", "POST");
        co_await exchange.respond(std::move(response));
        co_return;
    }
    const auto authorization = request.fields.find("Authorization");
    if (request.fields.find("Origin") || !authorization || !authorization->starts_with("Bearer ")) {
        co_await exchange.respond(problem(401, "token_unknown", "Send the join token as: Authorization: Bearer czj_…"));
        co_return;
    }
    auto parsed = parse(request.body);
    if (!parsed) {
        co_await exchange.respond(problem(400, "invalid_request", parsed.error()));
        co_return;
    }
    // The machine shows that it holds the key that it enrols.
    const std::string text = proto::enroll_signing_text(identity_.origin, parsed->nonce, parsed->fields.public_key);
    if (!common::crypto::ed25519_key::verify(parsed->fields.public_key, text, parsed->signature)) {
        co_await exchange.respond(
            problem(400, "bad_signature",
                    "The signature does not fit. Is the hub's URL the one that the hub was started with?"));
        co_return;
    }
    parsed->fields.token_hash = common::crypto::sha256(authorization->substr(7));
    auto enrolled = co_await pool_.run([this, fields = parsed->fields] { return store_.enroll(fields); });
    if (!enrolled) {
        co_await exchange.respond(problem(503, "unavailable", "The hub is busy; try again."));
        co_return;
    }
    if (!*enrolled) {
        const auto& e = enrolled->error();
        co_await exchange.respond(problem(status_for(e.code), code_for(e.code), e.message));
        co_return;
    }
    const auto& machine = **enrolled;
    log_.info("machine enrolled", {{"machine", machine.id}, {"workspace", machine.workspace_id}});
    json reply;
    reply["machine_id"] = machine.id;
    reply["workspace_id"] = machine.workspace_id;
    reply["name"] = machine.name;
    reply["link_counter"] = machine.link_counter;  // not 0 for a machine that enrols again with its key
    reply["hub_id"] = identity_.hub_id;
    reply["hub_keys"] = json::array(
        {json{{"kid", identity_.kid}, {"pub", common::crypto::base64url_encode(identity_.key.public_key())}}});
    co_await exchange.respond(answer(200, reply));
}

}  // namespace hub::links
