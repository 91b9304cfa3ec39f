// Redirect URIs: which may be registered, which of a request is the registered one, what people are shown of it.
// RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hub::oauth {

// Why it cannot be registered, as a sentence; nothing if it can. Allowed are https, http on loopback, and schemes of an
// application's own.
std::optional<std::string> why_not_redirect_uri(std::string_view uri);

// http on 127.0.0.1, [::1] or localhost: whatever program listens there on the person's own machine.
bool is_loopback_redirect(std::string_view uri);

// Byte for byte, except for the port of a loopback URI (RFC 8252 §7.3).
bool is_same_redirect(std::string_view registered, std::string_view requested);
bool is_registered(const std::vector<std::string>& registered, std::string_view requested);

// "https://example.com:8443", "cursor:": what a form may end at, in terms of CSP's form-action.
std::string form_target_of(std::string_view uri);
// What people read: "example.com", "a program on this computer", "the application cursor".
std::string destination_of(std::string_view uri);

// The URI with parameters added to its query (RFC 6749 §4.1.2), each value percent-encoded.
std::string with_parameters(std::string_view uri,
                            const std::vector<std::pair<std::string_view, std::string>>& parameters);

}  // namespace hub::oauth
