// People's passwords, their sessions in browsers and their one-time links. All SQL of these is behind this header; the
// users themselves are tenancy's. Blocking: call it on a common::async::blocking_pool thread, from several at once if you
// like. Nothing here throws for what people or the database do. Every change is audited with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/database.hpp"
#include "hub/tenancy/records.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::people {

constexpr std::int64_t session_idle_ms = 12LL * 3600 * 1000;
constexpr std::int64_t session_ms = 7LL * 24 * 3600 * 1000;
constexpr std::int64_t sign_in_link_ms = 15LL * 60 * 1000;
constexpr std::int64_t invitation_ms = 24LL * 3600 * 1000;

struct account {
    tenancy::user user;
    std::string password_hash;  // empty: cannot sign in with a password
};

// A session that was just begun. The secret is nowhere else: the database holds its SHA-256.
struct new_session {
    std::string secret;  // 43 characters of base64url, 256 random bits
    std::string user_id;
};

struct session {
    std::string id;  // "b_…"
    tenancy::user user;
    std::int64_t authenticated_at = 0;
};

enum class link_kind {
    owner,       // the first sign-in of a workspace's owner
    reset,       // the operator lets somebody in again
    invitation,  // into a workspace
};
std::string_view to_string(link_kind kind);

struct new_link {
    std::string secret;  // "czl_" + 40 of [a-z0-9]
    std::int64_t expires_at = 0;
};

// What a link is for, as long as it can be used.
struct link {
    link_kind kind = link_kind::reset;
    std::optional<account> whose;  // nullopt: an invitation of somebody without an account
    std::string email;             // of an invitation
    std::string workspace_name;    // of an invitation
    tenancy::role role = tenancy::role::viewer;
};

// Who somebody is at a provider of accounts, which has just said so.
struct outside_account {
    std::string provider_id;  // for the audit
    std::string issuer;
    std::string subject;
    std::int64_t authenticated_at = 0;  // ms since 1970: when the person proved it
};

// What somebody without an account, or without a password, says of themselves.
struct introduction {
    std::string name;   // taken where there is no account yet
    std::string email;  // taken where the account has none
    std::string password_hash;
};

class store {
public:
    explicit store(common::db::database& db, tenancy::clock_function now = tenancy::system_time_ms)
        : db_(db), now_(std::move(now)) {}

    // Whatever the case of the address.
    tenancy::result<account> find_account(std::string_view email);
    tenancy::result<account> get_account(std::string_view user_id);
    tenancy::result<std::vector<tenancy::membership>> list_memberships(std::string_view user_id);

    // The caller has compared the password with `verified_hash`; if it is not the account's any more: not_found.
    // `replaced` is the SHA-256 of the session that the browser had before, or empty: it ends.
    tenancy::result<new_session> sign_in(std::string_view user_id, std::string_view verified_hash,
                                         std::string_view replaced);
    // `user_id` empty: nobody of that address. The same work for both.
    tenancy::result<void> note_failed_sign_in(std::string_view user_id);
    // Ends all sessions of the user, and begins a new one.
    tenancy::result<new_session> change_password(std::string_view user_id, std::string_view verified_hash,
                                                 std::string_view new_hash);

    // By SHA-256 of the secret. Notes the use, once a minute at most.
    tenancy::result<std::optional<session>> find_session(std::string_view hash);
    tenancy::result<void> end_session(std::string_view hash);
    tenancy::result<void> end_sessions(std::string_view user_id);

    // `actor` for the audit: "hub" for the operator's commands, or "user:u_…".
    tenancy::result<new_link> make_sign_in_link(std::string_view user_id, link_kind kind, std::string_view actor);
    tenancy::result<new_link> invite(std::string_view workspace_id, std::string_view email, tenancy::role role,
                                     std::string_view actor);
    // not_found alike for unknown, used and old ones.
    tenancy::result<link> find_link(std::string_view hash);
    // Once: sets the password, makes the account and the membership where the link is for that, ends all other sessions,
    // passkeys, links to accounts elsewhere that the user made, and sign-in links of the user, and signs in. Not for an invitation of somebody who has an account.
    tenancy::result<new_session> use_link(std::string_view hash, const introduction& who);
    // The same with an account elsewhere in the place of a password. key_conflict: somebody else is linked with that.
    tenancy::result<new_session> use_link(std::string_view hash, const introduction& who, const outside_account& with);
    // An invitation, by the one that it is for, who has signed in. A role that somebody has already is left.
    tenancy::result<void> accept_invitation(std::string_view hash, std::string_view user_id);

private:
    common::db::database& db_;
    tenancy::clock_function now_;
};

// What is missing in an introduction for that link, as a sentence; nullopt: nothing.
std::optional<std::string> find_introduction_fault(const link& what, const introduction& who);

// One '@' with something on both sides, no spaces.
bool is_email(std::string_view text);

}  // namespace hub::people
