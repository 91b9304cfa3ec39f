// A server that wants a credential with each request (RFC 6750, RFC 9728): judges Host and Origin, finds out who calls, and
// says to whom that could not be told how to become somebody. The same for the hub and for an agent that is reached
// directly. Runs on each connection's executor.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "common/net/origin_policy.hpp"
#include "proto/principal.hpp"

namespace common::auth {

enum class verify_errc {
    absent,       // no credential came: 401 without an error code
    invalid,      // unknown, expired, revoked: 401 invalid_token, no difference to be seen
    unavailable,  // whoever knows does not answer: 503, ask again
    nobody,       // a good token of somebody who is nobody here: 403, another token would not help
};

struct verify_error {
    verify_errc code = verify_errc::invalid;
    std::string message;   // for the caller; the same sentence for every kind of `invalid`
    std::string log_text;  // what the database said, for the log only
};

using verify_result = std::expected<proto::principal, verify_error>;

// A request of somebody who has proven who they are.
using api_handler = std::function<boost::asio::awaitable<void>(net::http_exchange&, const proto::principal&)>;

// For clients that send a key as a header and must not be led into OAuth: keys only, and no metadata.
inline constexpr std::string_view key_path = "/key/mcp";

// An error in JSON, which no cache keeps.
net::http_response problem(int status, std::string_view code, std::string_view message, net::http_fields more = {});

struct resource_server_options {
    std::string public_url;  // without a trailing slash
    std::vector<std::string> allowed_origins;
    std::string issuer;  // of the authorization server that clients are sent to; empty: there are keys only
};

class resource_server {
public:
    // `credential` as it came in X-Codez-Api-Key or behind "Bearer ", maybe empty.
    using verify_function = std::function<boost::asio::awaitable<verify_result>(std::string credential)>;
    // Told of each wrong credential; how long its sender must wait, if there were too many.
    using wrong_function = std::function<std::optional<std::chrono::milliseconds>(const net::http_request&)>;

    resource_server(resource_server_options options, verify_function verify, wrong_function wrong);

    // Why the request is not looked at further: meant for another host, or sent by a page that may not. `open`: pages of
    // any origin may.
    std::optional<net::http_response> refusal(const net::http_request& request, bool open) const;
    // For the listener: what stands on every answer.
    net::http_fields answer_fields() const;
    // And lets pages read it.
    net::http_fields answer_fields(const net::http_request& request, bool open) const;

    // Finds out who calls, and lets them on to `next`; or says no.
    boost::asio::awaitable<void> authenticate(net::http_exchange& exchange, const api_handler& next) const;

    // RFC 9728: where the resource says what it is and who gives tokens for it. Not there if nobody does.
    bool has_metadata(std::string_view path) const;
    boost::asio::awaitable<void> serve_metadata(net::http_exchange& exchange) const;

private:
    net::http_fields challenge(const net::http_request& request, bool sent) const;
    net::http_response answer_to(const net::http_request& request, const verify_error& error) const;

    resource_server_options options_;
    net::origin_policy origins_;
    verify_function verify_;
    wrong_function wrong_;
};

}  // namespace common::auth
