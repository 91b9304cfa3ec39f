// Every bound of the system, in one place: what one caller, one machine or one message may cost. Changing a figure here
// changes it for hub, agent and tests alike. Names end in their unit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace proto::limits {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

// --- HTTP (hub's front, agent's loopback listener) ---
constexpr std::size_t http_body_bytes_max = 4 * mib;      // one JSON-RPC request; Node's SDKs accept 4 MiB as well
constexpr std::size_t http_headers_bytes_max = 16 * kib;  // nginx and Node refuse above this too
constexpr std::size_t http_header_fields_max = 100;       // RFC 9112 §3 leaves it to us; Apache's figure
constexpr std::size_t http_target_bytes_max = 8 * kib;    // RFC 9112 §3 recommends at least 8000
constexpr std::int64_t http_headers_ms_max = 10'000;      // slow loris: headers must be whole by then
constexpr std::int64_t http_body_ms_max = 30'000;
constexpr std::int64_t http_idle_ms_max = 60'000;
constexpr std::int64_t http_write_stall_ms_max = 20'000;  // a reader that takes nothing for so long is gone
constexpr std::size_t http_connections_max = 4096;
constexpr std::size_t http_connections_per_address_max = 100;
constexpr int cors_preflight_s = 7200;            // a browser asks again after that; Chromium takes no more
constexpr std::int64_t shutdown_ms_max = 10'000;  // open exchanges may finish for so long

// --- JSON from outside ---
constexpr std::size_t json_depth_max = 64;       // real arguments need about 6; one bit each in the scanner
constexpr std::size_t json_nodes_max = 100'000;  // of the DOM of arguments

// --- A call, wherever it comes from ---
constexpr std::size_t prompt_bytes_max = 256 * kib;
constexpr std::size_t arguments_bytes_max = http_body_bytes_max;
constexpr std::size_t result_bytes_max = 64 * mib;
constexpr std::size_t error_bytes_max = 32 * kib;  // the envelope of proto/error, escapes included
constexpr std::size_t progress_bytes_max = 4 * kib;
constexpr int call_depth_max = 2;  // how many sessions a call may come through
constexpr std::int64_t call_ms_default = 30'000;
constexpr std::int64_t call_ms_max = 300'000;
constexpr std::size_t idempotency_key_bytes_max = 128;
constexpr std::int64_t idempotency_keep_ms = 7LL * 24 * 3600 * 1000;
constexpr std::size_t principal_scopes_max = 64;

// --- The link (proto/README.md) ---
constexpr std::size_t frame_header_bytes = 6;
constexpr std::size_t reply_chunk_bytes_max = 32 * kib;  // a small reply waits for at most one such chunk per call
constexpr std::size_t call_header_bytes_max = 16 * kib;
constexpr std::size_t event_bytes_max = 1 * mib;  // a larger event is read by poll_events, never pushed
constexpr std::size_t sessions_bytes_max = 1 * mib;
constexpr std::size_t sessions_max = 2048;  // in one snapshot: live and mirror first, then the newest
constexpr std::size_t frame_bytes_max = arguments_bytes_max + call_header_bytes_max + 64;  // the largest: a call
constexpr std::size_t link_coalesce_bytes = 128 * kib;  // frames of one turn share a message up to this size
constexpr std::size_t link_message_bytes_max = frame_bytes_max + frame_header_bytes;
constexpr std::size_t link_message_to_hub_bytes_max = event_bytes_max + 64;  // what a machine may make the hub hold
constexpr std::size_t link_output_bytes_max = 1 * mib;    // queued for one link; above it senders wait
constexpr std::size_t call_credit_bytes = 256 * kib;      // a reply's window: bytes sent and not yet granted again
constexpr std::size_t ask_bytes_max = 32 * kib;           // what one call asks its client at once
constexpr std::size_t answers_bytes_max = 64 * kib;       // longer answers count as none
constexpr std::size_t calls_in_flight_max = 256;          // per link
constexpr std::size_t call_body_bytes_max = 32 * mib;     // what may follow a call's arguments: one upload
constexpr std::size_t events_unacknowledged_max = 1024;   // pushed and not yet acknowledged, per link
constexpr std::int64_t heartbeat_ms = 15'000;             // nothing sent for so long: ping
constexpr std::int64_t link_dead_ms = 45'000;             // nothing received for so long: closed
constexpr std::size_t link_close_reason_bytes_max = 123;  // RFC 6455 §5.5: control frames carry 125 bytes

// --- The link before `welcome` ---
constexpr std::size_t handshake_frame_bytes_max = 4 * kib;
constexpr int handshake_frames_max = 4;
constexpr std::int64_t handshake_ms_max = 5'000;         // hub's patience with a machine it does not know yet
constexpr std::int64_t handshake_agent_ms_max = 30'000;  // agent's with a hub that thousands reconnect to
constexpr std::int64_t handshake_nonce_ms_max = 30'000;
constexpr std::size_t handshake_pending_max = 200;  // per hub
constexpr std::size_t handshake_pending_per_address_max = 10;
constexpr std::size_t handshake_nonce_bytes = 32;
constexpr std::size_t tls_exporter_bytes = 32;    // RFC 5705
constexpr std::int64_t reconnect_first_ms = 500;  // full jitter between 0 and a doubling bound
constexpr std::int64_t reconnect_ms_max = 30'000;
constexpr std::int64_t machine_offline_grace_ms = 3'000;  // a call waits so long for a machine that is reconnecting

// --- Uploads ---
constexpr std::size_t uploads_in_flight_max = 64;  // through one hub
constexpr std::size_t uploads_in_flight_per_principal_max = 4;
constexpr std::size_t uploads_receiving_max = 8;      // at once, per machine
constexpr std::int64_t upload_stall_ms_max = 30'000;  // without a byte going on
constexpr std::int64_t upload_ms_max = 600'000;
constexpr std::size_t uploads_kept_max = 256;  // per machine, not yet expired
constexpr std::size_t uploads_kept_bytes_max = 512 * mib;
constexpr std::int64_t upload_keep_ms = 24LL * 3600 * 1000;
constexpr std::size_t uploads_per_prompt_max = 16;
constexpr std::size_t image_bytes_max = 3'932'160;           // 5 MiB as base64, the most that the API takes of one
constexpr std::size_t prompt_images_bytes_max = 4608 * kib;  // with the prompt's text one line of 8 MiB to claude
constexpr std::size_t attachments_bytes_max = 1024 * mib;    // files given to sessions, per machine
constexpr std::int64_t attachment_keep_ms = 30LL * 24 * 3600 * 1000;

// --- Waiting and streaming ---
constexpr std::int64_t poll_wait_ms_default = 5'000;
constexpr std::int64_t poll_wait_ms_max = 30'000;
constexpr std::int64_t send_and_wait_cut_ms = 50'000;  // MCP clients cut a call at 60 s
constexpr std::int64_t send_and_wait_ms_default = 120'000;
constexpr std::int64_t send_and_wait_ms_max = 3'600'000;
constexpr std::int64_t sse_upgrade_ms = 5'000;   // a call that may take longer answers as SSE
constexpr std::int64_t sse_comment_ms = 15'000;  // proxies cut silent streams, commonly at 60 s
constexpr std::int64_t fan_out_ms_max = 2'000;
constexpr std::size_t fan_out_machines_max = 32;
// Of one machine's answer: result_bytes_max shared by the machines that were asked, but at least so much.
constexpr std::size_t fan_out_answer_bytes_min = 4 * mib;
constexpr std::size_t fan_out_nodes_max =
    1'000'000;  // values in one machine's answer; a page of events may be 1 MiB of digits

// --- The hub's audit of calls ---
constexpr std::size_t audit_queue_max = 10'000;  // entries while the database is away
constexpr int audit_days_default = 90;

// --- MCP streams and questions ---
constexpr std::size_t mcp_listeners_max = 4096;  // open change streams, per process
constexpr std::size_t mcp_listeners_per_principal_max = 32;
constexpr std::size_t mcp_watched_max = 256;  // resources and tasks that one change stream watches
constexpr std::size_t mcp_uri_bytes_max = 2048;
constexpr std::size_t mcp_sessions_kept_max = 10'000;  // with a log level, subscriptions or a stream, per process
constexpr std::size_t mcp_streams_kept_max = 1024;     // of calls, for clients that come back
constexpr std::size_t mcp_stream_bytes_kept_max = 1 * mib;
constexpr std::size_t mcp_bytes_kept_max = 64 * mib;       // all such streams together
constexpr std::int64_t mcp_resume_ms_max = 60'000;         // a call goes on so long without its client
constexpr std::int64_t mcp_keep_ms = 300'000;              // a finished stream is kept so long
constexpr std::size_t mcp_questions_max = 16;              // one round's
constexpr std::size_t mcp_questions_waiting_max = 16'384;  // per process
constexpr std::size_t mcp_question_key_bytes_max = 64;
constexpr std::int64_t mcp_question_ms_max = 600'000;  // a person's time to answer
constexpr std::int64_t mcp_state_ms_max = 3'600'000;   // a requestState is good for so long
constexpr std::size_t mcp_state_bytes_max = 2 * kib;   // the back end's part of it; a sealed text holds 4 KiB
constexpr std::size_t mcp_log_bytes_max = 64 * kib;
constexpr std::size_t mcp_completions_max = 100;     // the specification's own
constexpr std::int64_t mcp_lists_fresh_ms = 60'000;  // ttlMs of lists

// --- Events ---
constexpr int events_page_default = 200;
constexpr int events_page_max = 1000;
constexpr std::size_t events_page_bytes_max = 1 * mib;     // a page ends early rather than grow past this
constexpr std::int64_t events_without_cursor_ms = 60'000;  // a reader without cursor and session starts so far back
constexpr std::int64_t interest_lease_ms = 60'000;
constexpr std::size_t delta_ring_bytes_max = 1 * mib;  // message.part.delta kept per session
constexpr std::size_t event_waiters_max = 1024;        // readers waiting in poll_events, per machine
constexpr std::size_t cursor_entries_max = 4;          // in its text; a hub keeps more for a reader
constexpr std::size_t cursor_machines_max = 256;
constexpr std::size_t cursor_bytes_max = 1024;

// --- What clients keep on a machine (get_state) ---
constexpr std::size_t state_bytes_max = 64 * kib;
constexpr std::size_t recent_cwds_max = 20;  // CodeZ's figure

// --- git on a machine (session_diff, worktrees) ---
constexpr std::int64_t git_ms_max = 20'000;             // one call's commands together
constexpr std::size_t git_output_bytes_max = 16 * mib;  // of one command
constexpr std::size_t diff_bytes_default = 256 * kib;
constexpr std::size_t diff_bytes_max = 4 * mib;
constexpr std::size_t diff_files_max = 10'000;             // changed or untracked, that a snapshot takes in
constexpr std::size_t diff_file_bytes_max = 1 * mib;       // a larger one is named, not compared
constexpr std::size_t diff_snapshot_bytes_max = 64 * mib;  // all of them together

// --- What the agent mended by itself (get_health_details) ---
constexpr std::size_t repairs_max = 200;
constexpr std::uint64_t disk_low_bytes = 256 * mib;

// --- Sessions, listings ---
constexpr std::size_t live_sessions_max = 8;                  // per machine, unless its policy says otherwise
constexpr std::size_t session_options_bytes_max = 256 * kib;  // of create_session, stored with the session
constexpr std::size_t queued_prompts_max = 32;                // per session
constexpr std::size_t waiting_sessions_max = 64;     // per machine: with prompts, but no place among the live ones
constexpr std::size_t pending_permissions_max = 64;  // per session
constexpr std::size_t permission_grants_max = 128;   // per session
constexpr std::int64_t permission_expiry_s_max = 7LL * 24 * 3600;
constexpr std::size_t listed_permissions_bytes_max = 2 * mib;  // of one machine; its oldest
constexpr std::size_t listed_input_bytes_max = 16 * kib;       // of one request's input in a list
constexpr int list_page_default = 50;
constexpr int list_page_max = 500;
constexpr std::size_t path_bytes_max = 4096;  // PATH_MAX
constexpr std::size_t title_bytes_max = 120;
constexpr std::size_t id_bytes_max = 64;  // machine, session, log, client ids
constexpr std::size_t name_bytes_max = 128;

}  // namespace proto::limits
