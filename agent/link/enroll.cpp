#include "agent/link/enroll.hpp"

#include <sys/utsname.h>

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/net/http_client.hpp"
#include "proto/limits.hpp"
#include "proto/messages.hpp"

namespace agent::link {

namespace {

using nlohmann::json;

constexpr std::size_t message_bytes_max = 1000;

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

// What a stranger wrote, for a terminal: no control characters, which could move the cursor or hide text.
std::string printable(std::string text) {
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (text.size() > message_bytes_max) text.resize(message_bytes_max);
    return text;
}

std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>()
                                                                             : std::string();
}

std::string refusal(int status, const json& body) {
    const std::string why = printable(text_of(body, "message"));
    if (!why.empty()) return fmt::format("The hub refused: {}", why);
    if (status == 404 || (status >= 300 && status < 400))
        return fmt::format("There is no CodeZ hub at this URL (HTTP status {}). Is it the hub's own address?", status);
    return fmt::format("The hub refused with HTTP status {}.", status);
}

std::optional<link_settings> settings_from(const enroll_request& request, const json& body) {
    link_settings settings;
    settings.hub_url = request.hub_url;
    settings.ca_file = request.ca_file;
    settings.machine_id = text_of(body, "machine_id");
    settings.workspace_id = text_of(body, "workspace_id");
    settings.machine_name = printable(text_of(body, "name"));
    if (settings.machine_id.empty() || settings.workspace_id.empty()) return std::nullopt;
    // Whom the agent itself lets in stands in these.
    if (settings.workspace_id == "local" || settings.workspace_id == "direct") return std::nullopt;
    const auto counter = body.find("link_counter");
    if (counter == body.end() || !counter->is_number_unsigned()) return std::nullopt;
    settings.link_counter = counter->get<std::uint64_t>();
    const auto keys = body.find("hub_keys");
    if (keys == body.end() || !keys->is_array() || keys->empty()) return std::nullopt;
    for (const auto& one : *keys) {
        auto pub = common::crypto::base64url_decode(text_of(one, "pub"));
        const auto kid = text_of(one, "kid");
        if (!pub || pub->size() != 32 || kid.empty()) return std::nullopt;
        settings.hub_keys.emplace(kid, std::move(*pub));
    }
    return settings;
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
        co_return std::unexpected(
            fmt::format("The hub {} cannot be reached: {}", request.hub_url, response.error().message));
    const auto body = json::parse(response->body, nullptr, false);
    if (response->status != 200) co_return std::unexpected(refusal(response->status, body));
    auto settings = settings_from(request, body);
    if (!settings)
        co_return std::unexpected(
            fmt::format("{} does not answer as a CodeZ hub does. Is the URL right?", request.hub_url));
    co_return std::move(*settings);
}

}  // namespace agent::link
