#include "agent/events/schema.hpp"

#include <array>

namespace agent::events {

namespace {

// events.seq is given by the writer, not by the database: batches know the seq of their first event, and a rolled
// back transaction leaves no hole. events.size spares reading a body only to learn that it does not fit on the page.
constexpr std::string_view version_1 = R"sql(
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    type TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    starts_turn INTEGER NOT NULL,
    size INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX events_by_session ON events (session_id, ordinal);
CREATE INDEX events_by_session_seq ON events (session_id, seq);
CREATE INDEX events_by_time ON events (at_ms, seq);
CREATE INDEX events_turns ON events (session_id, seq) WHERE starts_turn = 1;
CREATE INDEX events_messages ON events (session_id, seq) WHERE type = 'message.created';

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL,
    cwd TEXT NOT NULL,
    title TEXT NOT NULL,
    model TEXT NOT NULL,
    permission_mode TEXT NOT NULL,
    include_partial INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_message_at INTEGER,
    status TEXT NOT NULL,
    state TEXT NOT NULL,
    spool_offset INTEGER NOT NULL,
    holder_directory TEXT NOT NULL,
    created_by TEXT NOT NULL,
    depth INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    last_result TEXT NOT NULL,
    transcript_base_offset INTEGER NOT NULL
);
CREATE INDEX sessions_by_update ON sessions (updated_at, id);
CREATE INDEX sessions_running ON sessions (id) WHERE status = 'live' AND state = 'running';

CREATE TABLE prompts (
    id {{ID}},
    uuid TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    principal TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    via TEXT NOT NULL,
    cursor_seq INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX prompts_by_session ON prompts (session_id, id);

CREATE TABLE permissions (
    id {{ID}},
    session_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    tool_name TEXT NOT NULL,
    tool_use_id TEXT NOT NULL,
    input TEXT NOT NULL,
    description TEXT NOT NULL,
    suggestions TEXT NOT NULL,
    state TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    answered_at INTEGER
);
CREATE UNIQUE INDEX permissions_by_request ON permissions (session_id, request_id);
CREATE INDEX permissions_pending ON permissions (session_id, id) WHERE state = 'pending';

CREATE TABLE calls (
    id {{ID}},
    principal TEXT NOT NULL,
    tool TEXT NOT NULL,
    idempotency_key TEXT,
    arguments_hash TEXT NOT NULL,
    subject TEXT NOT NULL,
    result TEXT,
    begun_at INTEGER NOT NULL,
    finished_at INTEGER
);
CREATE UNIQUE INDEX calls_by_key ON calls (principal, idempotency_key);
CREATE INDEX calls_by_time ON calls (begun_at);
CREATE INDEX calls_open ON calls (id) WHERE result IS NULL;
)sql";

// Which kind of caller answered a permission request, and what else claude told of it.
constexpr std::string_view version_2 = R"sql(
ALTER TABLE permissions ADD COLUMN answered_kind TEXT NOT NULL DEFAULT '';
ALTER TABLE permissions ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
)sql";

constexpr std::string_view version_3 = R"sql(
CREATE TABLE audit (
    id {{ID}},
    at_ms INTEGER NOT NULL,
    principal TEXT NOT NULL,
    origin TEXT NOT NULL,
    tool TEXT NOT NULL,
    session_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    refused INTEGER NOT NULL,
    arguments_hash TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at_ms);
)sql";

constexpr std::array<common::db::migration, 3> migrations{{{1, version_1}, {2, version_2}, {3, version_3}}};

}  // namespace

std::span<const common::db::migration> log_migrations() { return migrations; }

}  // namespace agent::events
