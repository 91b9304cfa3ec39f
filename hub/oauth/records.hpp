// The authorization server's rows as plain values. Times are milliseconds since 1970. No SQL, no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/tenancy/records.hpp"

namespace hub::oauth {

using tenancy::membership;

enum class client_kind {
    registered,  // by itself (RFC 7591)
    document,    // its id is the URL of its metadata (client id metadata documents)
    known,       // by the operator
    resource,    // no client of a person: a resource server that asks about tokens (POST /api/servers)
};
std::string_view to_string(client_kind kind);

struct client {
    std::string id;  // as in client_id: "c_…", or a URL
    client_kind kind = client_kind::registered;
    std::string name;
    std::vector<std::string> redirect_uris;
    std::string auth_method = "none";  // none | client_secret_basic | client_secret_post
    std::string secret_hash;           // SHA-256, 32 raw bytes; empty without a secret
};

// A request at /authorize whose form was judged, until a person has decided.
struct authorization_request {
    std::string id;  // "ar_…"
    std::string client_id;
    std::string redirect_uri;
    std::string state;  // may be empty, then it is not sent back
    std::vector<std::string> scopes;
    std::string code_challenge;  // S256
    std::string audience;
    std::string nonce;  // OpenID Connect
    bool login_again = false;
    std::int64_t created_at = 0;
};

// The ids of the machines that may be reached; nullopt: all, also those that come later.
using machine_set = std::optional<std::vector<std::string>>;

// A machine as a person chooses it.
struct machine_choice {
    std::string id;
    std::string name;
    std::string workspace_id;
    std::string workspace_name;
};

// What a person says yes to.
struct approval {
    std::string user_id;
    std::string workspace_id;  // empty: all of theirs, also those that they join later
    std::vector<std::string> scopes;
    machine_set machines{};
};

// One user × one client × one workspace, or all that the user is a member of.
struct grant {
    std::string id;  // "g_…"
    std::string user_id;
    std::string client_id;
    std::string client_name;
    std::string workspace_id;  // if it is for all: where it began
    std::string workspace_name;
    bool all_workspaces = false;
    std::string redirect_host;
    std::vector<std::string> scopes;
    machine_set machines;
    std::int64_t created_at = 0;
    std::int64_t used_at = 0;
};

struct code_exchange {
    std::string code;
    std::string client_id;
    std::string redirect_uri;
    std::string code_verifier;
    std::string audience;  // empty: that of the code
};

struct refresh_exchange {
    std::string refresh_token;
    std::string client_id;
    std::vector<std::string> scopes;  // empty: the grant's
    std::string audience;             // empty: the family's
};

struct issued_tokens {
    std::string access_token;
    std::string refresh_token;
    std::vector<std::string> scopes;
    std::string grant_id;
    std::string user_id;
    std::string nonce;  // of the authorization request
};

// Why a token request is refused: RFC 6749 §5.2, RFC 8707 §2.
enum class token_refusal { invalid_grant, invalid_scope, invalid_target };

// Another resource whose tokens this server gives out (RFC 9728).
struct resource_server {
    std::string id;  // "srv_…", also its client_id
    std::string workspace_id;
    std::string name;
    std::string url;  // the audience of its tokens
    std::int64_t created_at = 0;
};

// Everything that decides what an access token may do now.
struct token_grant {
    std::string grant_id;
    std::string client_id;
    std::string user_id;
    std::string user_name;
    std::string user_email;
    std::string workspace_id;  // if it is for all: where it began, or another one
    std::string audience;
    std::vector<std::string> scopes;  // of the token, within those of the grant as they are now
    machine_set machines;
    tenancy::role role = tenancy::role::viewer;  // if it is for all: the highest
    std::vector<membership> workspaces;          // if it is for all: every one
    std::int64_t issued_at = 0;
    std::int64_t expires_at = 0;
    bool revoked = false;
};

// --- machines that ask to be let in (RFC 8628) ---

inline constexpr std::size_t user_code_letters = 8;

// What a machine says of itself, and where it asks from.
struct device_request {
    std::string user_code{};  // letters only
    std::string machine_name;
    std::string machine_os;
    std::string machine_id;  // "m_…": made of the hash of its public key
    std::string address;
};

struct device_codes {
    std::string device_code;
    std::string user_code;
};

struct device_decision {
    std::string user_id;
    std::string workspace_id;
    bool allowed = false;
};

// What a machine enrols with.
struct device_token {
    std::string join_token;
};

enum class device_refusal { authorization_pending, slow_down, access_denied, expired_token };

}  // namespace hub::oauth
