#include "agent/link/enroll.hpp"

#include <sys/utsname.h>

#include <fmt/format.h>

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/net/http_client.hpp"
#include "proto/limits.hpp"
#include "proto/messages.hpp"

namespace agent::link {

namespace {

using nlohmann::json;

std::string enroll_body(const enroll_request& request, const common::crypto::ed25519_key& key) {
    utsname names{};
    ::uname(&names);
    const std::string nonce = common::crypto::random_bytes(proto::limits::handshake_nonce_bytes);
    const std::string text = proto::enroll_signing_text(request.hub_url, nonce, key.public_key());
    return json{{"pub", common::crypto::base64url_encode(key.public_key())},
                {"nonce", common::crypto::base64url_encode(nonce)},
                {"sig", common::crypto::base64url_encode(key.sign(text))},
                {"name", request.name},
                {"version", CODEZ_VERSION},
                {"os", names.sysname},
                {"arch", names.machine},
                {"hostname", names.nodename}}
        .dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

boost::asio::awaitable<std::expected<link_settings, std::string>> enroll(enroll_request request,
                                                                         common::crypto::ed25519_key key) {
    common::net::http_client_request http;
    http.method = "POST";
    http.url = request.hub_url + "/agent/v1/enroll";
    http.fields.add("Content-Type", "application/json");
    http.fields.add("Authorization", "Bearer " + request.join_token);
    http.body = enroll_body(request, key);
    http.ca_file = request.ca_file;
    http.body_bytes_max = 64 * proto::limits::kib;
    http.http_proxy = common::net::proxy_for(http.url, common::net::process_environment());
    const auto response = co_await common::net::fetch(std::move(http));
    if (!response)
        co_return std::unexpected(fmt::format("The hub {} cannot be reached: {}", request.hub_url, response.error().message));
    const auto body = json::parse(response->body, nullptr, false);
    if (response->status != 200) {
        const std::string why = body.is_object() ? body.value("message", "") : "";
        co_return std::unexpected(fmt::format("The hub refused: {}", why.empty() ? fmt::format("HTTP status {}.", response->status) : why));
    }
    link_settings settings;
    settings.hub_url = request.hub_url;
    settings.ca_file = request.ca_file;
    try {
        body.at("machine_id").get_to(settings.machine_id);
        body.at("workspace_id").get_to(settings.workspace_id);
        body.at("name").get_to(settings.machine_name);
        body.at("link_counter").get_to(settings.link_counter);
        for (const auto& one : body.at("hub_keys")) {
            const auto pub = common::crypto::base64url_decode(one.at("pub").get<std::string>());
            if (!pub || pub->size() != 32) throw json::other_error::create(501, "bad key", nullptr);
            settings.hub_keys.emplace(one.at("kid").get<std::string>(), *pub);
        }
    } catch (const json::exception&) {
        co_return std::unexpected(fmt::format("{} does not answer as a CodeZ hub does. Is the URL right?", request.hub_url));
    }
    co_return settings;
}

}  // namespace agent::link
