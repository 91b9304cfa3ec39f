#include "hub/tenancy/schema.hpp"

#include <array>

namespace hub::tenancy {

namespace {

// email_key and name_key are the lower-case spelling that must be unique, or NULL where it need not be.
constexpr std::string_view first = R"sql(
CREATE TABLE workspaces (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE memberships (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    FOREIGN KEY (workspace_id, user_id) REFERENCES memberships (workspace_id, user_id)
);
CREATE INDEX api_keys_of_workspace ON api_keys (workspace_id);

CREATE TABLE machines (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    name_key TEXT,
    public_key BLOB NOT NULL UNIQUE,
    state TEXT NOT NULL,
    link_counter INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    ack_seq INTEGER NOT NULL,
    log_id TEXT NOT NULL,
    version TEXT NOT NULL,
    os TEXT NOT NULL,
    arch TEXT NOT NULL,
    hostname TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER,
    UNIQUE (workspace_id, name_key)
);

CREATE TABLE join_tokens (
    hash BLOB PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    created_by TEXT NOT NULL REFERENCES users (id),
    machine_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    used_by TEXT REFERENCES machines (id)
);

CREATE TABLE audit (
    id {{ID}},
    at INTEGER NOT NULL,
    workspace_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    result TEXT NOT NULL
);
CREATE INDEX audit_of_workspace ON audit (workspace_id, id);

CREATE TABLE hub_keys (
    id {{ID}},
    kind TEXT NOT NULL,
    material BLOB NOT NULL,
    created_at INTEGER NOT NULL
);
)sql";

// Calls are audited too.
constexpr std::string_view second = R"sql(
ALTER TABLE audit ADD COLUMN machine_id TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN session_id TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN arguments_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN rule TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_by_time ON audit (at);
)sql";

// Cursors of readers of more machines than a cursor holds.
constexpr std::string_view third = R"sql(
CREATE TABLE reading_positions (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    position TEXT NOT NULL,
    earlier TEXT NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX reading_positions_by_expiry ON reading_positions (expires_at);
)sql";

// People who sign in: of each secret the database holds what proves it, never the secret.
constexpr std::string_view fourth = R"sql(
CREATE TABLE passwords (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    hash TEXT NOT NULL,
    changed_at INTEGER NOT NULL
);

CREATE TABLE web_sessions (
    hash BLOB PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    authenticated_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX web_sessions_of_user ON web_sessions (user_id);

CREATE TABLE one_time_links (
    hash BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id TEXT REFERENCES users (id),
    workspace_id TEXT REFERENCES workspaces (id),
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
);
)sql";

// The authorization server (hub/oauth). A grant is one user × one client × one workspace; each authorization begins a family
// of tokens in it, which ends as one.
constexpr std::string_view fifth = R"sql(
CREATE TABLE oauth_clients (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    auth_method TEXT NOT NULL,
    secret_hash BLOB,
    created_at INTEGER NOT NULL,
    used_at INTEGER
);

CREATE TABLE authorization_requests (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    state TEXT NOT NULL,
    scopes TEXT NOT NULL,
    code_challenge TEXT NOT NULL,
    audience TEXT NOT NULL,
    nonce TEXT NOT NULL,
    login_again INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    client_id TEXT NOT NULL REFERENCES oauth_clients (id),
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    scopes TEXT NOT NULL,
    redirect_host TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    revoked_at INTEGER
);
CREATE INDEX grants_of_user ON grants (user_id, client_id);
CREATE INDEX grants_by_end ON grants (revoked_at);

CREATE TABLE token_families (
    id TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES grants (id),
    audience TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    revoked_at INTEGER
);
CREATE INDEX token_families_of_grant ON token_families (grant_id);
CREATE INDEX token_families_by_end ON token_families (revoked_at);

CREATE TABLE authorization_codes (
    hash BLOB PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES grants (id),
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT NOT NULL,
    scopes TEXT NOT NULL,
    audience TEXT NOT NULL,
    nonce TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER,
    family_id TEXT REFERENCES token_families (id)
);

CREATE TABLE access_tokens (
    hash BLOB PRIMARY KEY,
    family_id TEXT NOT NULL REFERENCES token_families (id),
    scopes TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX access_tokens_of_family ON access_tokens (family_id);

CREATE TABLE refresh_tokens (
    hash BLOB PRIMARY KEY,
    family_id TEXT NOT NULL REFERENCES token_families (id),
    issued_at INTEGER NOT NULL,
    superseded_at INTEGER,
    replays INTEGER NOT NULL
);
CREATE INDEX refresh_tokens_of_family ON refresh_tokens (family_id);

-- For clients that neither register nor publish a document. The port of a loopback redirect counts for nothing.
INSERT INTO oauth_clients (id, kind, name, redirect_uris, auth_method, created_at) VALUES ('codez-mcp', 'known', 'MCP client',
    '["http://localhost/callback","http://127.0.0.1/callback","http://localhost/oauth/callback","http://127.0.0.1/oauth/callback"]',
    'none', 0);
)sql";

// Machines that ask to be let in by a person.
constexpr std::string_view sixth = R"sql(
CREATE TABLE device_authorizations (
    hash BLOB PRIMARY KEY,
    user_code TEXT NOT NULL UNIQUE,
    machine_name TEXT NOT NULL,
    machine_os TEXT NOT NULL,
    machine_id TEXT NOT NULL,
    address TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    polled_at INTEGER NOT NULL,
    interval_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    user_id TEXT,
    workspace_id TEXT
);

ALTER TABLE join_tokens ADD COLUMN machine_id TEXT NOT NULL DEFAULT '';
)sql";

// People of other authorization servers. A link that ended is kept: what was opened by it must end too.
constexpr std::string_view seventh = R"sql(
CREATE TABLE external_identities (
    id TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE UNIQUE INDEX external_identities_linked ON external_identities (issuer, subject) WHERE ended_at IS NULL;
)sql";

// Other resources that take this hub's tokens.
constexpr std::string_view eighth = R"sql(
CREATE TABLE resource_servers (
    id TEXT PRIMARY KEY REFERENCES oauth_clients (id),
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    url TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
);
)sql";

// Public keys of people's passkeys (WebAuthn).
constexpr std::string_view ninth = R"sql(
CREATE TABLE passkeys (
    id BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
);
CREATE INDEX passkeys_of_user ON passkeys (user_id);
)sql";

// The machines that a grant reaches, as a JSON array of ids; NULL: all of its workspace.
constexpr std::string_view tenth = R"sql(
ALTER TABLE grants ADD COLUMN machines TEXT;
)sql";

// A grant over all workspaces of its person; its workspace_id is then the one that it began in.
constexpr std::string_view eleventh = R"sql(
ALTER TABLE grants ADD COLUMN all_workspaces INTEGER NOT NULL DEFAULT 0;
)sql";

// Who was sent to sign in elsewhere and may come back; and who made a link to an account there: an operator, or the person.
constexpr std::string_view twelfth = R"sql(
CREATE TABLE sign_in_visits (
    state_hash BLOB PRIMARY KEY,
    visitor_hash BLOB NOT NULL,
    provider_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    continue_at TEXT NOT NULL,
    user_id TEXT NOT NULL,
    link_hash BLOB NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    begun_at INTEGER NOT NULL
);
CREATE INDEX sign_in_visits_by_age ON sign_in_visits (begun_at);

ALTER TABLE external_identities ADD COLUMN by_person INTEGER NOT NULL DEFAULT 0;
CREATE INDEX external_identities_of_user ON external_identities (user_id);
)sql";

constexpr std::array<common::db::migration, 12> migrations{{{1, first},
                                                            {2, second},
                                                            {3, third},
                                                            {4, fourth},
                                                            {5, fifth},
                                                            {6, sixth},
                                                            {7, seventh},
                                                            {8, eighth},
                                                            {9, ninth},
                                                            {10, tenth},
                                                            {11, eleventh},
                                                            {12, twelfth}}};

}  // namespace

std::span<const common::db::migration> schema() { return migrations; }

}  // namespace hub::tenancy
