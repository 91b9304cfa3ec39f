#include "hub/oauth/metadata.hpp"

#include <nlohmann/json.hpp>

#include "hub/oauth/scopes.hpp"

namespace hub::oauth {

nlohmann::json server_metadata(const std::string& origin) {
    // Some clients ask for every scope in this list, in its order.
    auto scopes = nlohmann::json::array({umbrella_scope, offline_scope});
    return {
        {"issuer", origin},
        {"authorization_endpoint", origin + "/authorize"},
        {"token_endpoint", origin + "/token"},
        {"registration_endpoint", origin + "/register"},
        {"revocation_endpoint", origin + "/revoke"},
        {"introspection_endpoint", origin + "/introspect"},
        {"userinfo_endpoint", origin + "/userinfo"},
        {"jwks_uri", origin + "/jwks"},
        {"device_authorization_endpoint", origin + "/device_authorization"},
        {"response_types_supported", {"code"}},
        {"response_modes_supported", {"query"}},
        {"grant_types_supported",
         {"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"}},
        {"code_challenge_methods_supported", {"S256"}},
        // Without "none" Claude Code takes no client id metadata document; claude.ai sends client_secret_post.
        {"token_endpoint_auth_methods_supported", {"none", "client_secret_basic", "client_secret_post"}},
        {"revocation_endpoint_auth_methods_supported", {"none", "client_secret_basic", "client_secret_post"}},
        {"introspection_endpoint_auth_methods_supported", {"client_secret_basic", "client_secret_post"}},
        {"scopes_supported", std::move(scopes)},
        {"authorization_response_iss_parameter_supported", true},
        {"client_id_metadata_document_supported", true},
        // The schema of both TypeScript SDKs wants these of an OpenID Connect document.
        {"subject_types_supported", {"public"}},
        {"id_token_signing_alg_values_supported", {"ES256"}},
    };
}

}  // namespace hub::oauth
