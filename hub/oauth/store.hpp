// The authorization server's tables. Blocking: call it on a common::async::blocking_pool thread, from several at once if
// you like. Nothing here throws for what clients or the database do. Secrets are stored as SHA-256 only.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/database.hpp"
#include "hub/oauth/records.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::oauth {

using tenancy::result;
// The outer failure is the database's, the inner one the client's.
using token_result = result<std::expected<issued_tokens, token_refusal>>;

class store {
public:
    explicit store(common::db::database& db, tenancy::clock_function now = tenancy::system_time_ms);

    // --- clients ---
    // Gives it an id. `unavailable` if there are too many that nobody uses.
    result<client> register_client(client fields);
    result<client> find_client(std::string_view id);
    // A metadata document as it is now, so that grants can name the client.
    result<void> keep_document(const client& document);

    // --- other resources ---
    // Gives it an id; the secret is its client_secret. already_exists: somebody has that URL.
    struct new_resource {
        resource_server server;
        std::string secret;  // "sak_…"
    };
    result<new_resource> add_resource(std::string_view workspace_id, std::string_view actor, std::string_view name,
                                      std::string_view url);
    result<std::vector<resource_server>> list_resources(std::string_view workspace_id);
    result<resource_server> find_resource(std::string_view id);
    result<resource_server> find_resource_by_url(std::string_view url);

    // --- a person's decision ---
    result<std::string> begin_authorization(const authorization_request& request);  // its id
    result<authorization_request> find_authorization(std::string_view id);
    // Once: the request is gone then. The code.
    result<std::string> approve(std::string_view id, const approval& what);
    // A code by a grant that has all of it, without asking; the grant stays as its person left it.
    result<std::string> renew(const authorization_request& request, const grant& as);
    result<authorization_request> deny(std::string_view id, std::string_view user_id);
    result<std::vector<membership>> memberships_of(std::string_view user_id);
    // Of all their workspaces, by name, so many at most.
    result<std::vector<machine_choice>> machines_of(std::string_view user_id, int at_most);
    // Of the user and the client, those not revoked.
    result<std::vector<grant>> grants_of(std::string_view user_id, std::string_view client_id = {});

    // --- tokens ---
    token_result redeem(const code_exchange& what);
    token_result refresh(const refresh_exchange& what);
    // By SHA-256 of the token. Expired and revoked ones are found too: the caller judges.
    result<token_grant> find_access_token(std::string_view hash);
    // The family of an access or refresh token of that client; an unknown token is nothing to do (RFC 7009 §2.2).
    result<void> revoke_token(std::string_view client_id, std::string_view token);
    result<void> revoke_grant(std::string_view user_id, std::string_view grant_id);
    // Ids of the grants that were revoked in the last hour, and of those of which tokens were in the last seconds.
    result<std::vector<std::string>> list_ended_grants();

    // --- machines ---
    result<device_codes> begin_device(const device_request& request);
    // Only those that nobody has decided on yet.
    result<device_request> find_device(std::string_view user_code);
    result<void> decide_device(std::string_view user_code, const device_decision& what);
    // Once a person has allowed it: a join token for that machine's key, once.
    result<std::expected<device_token, device_refusal>> poll_device(std::string_view device_code);

    // Removes what has expired: requests, codes, tokens, families, unused clients.
    result<void> prune();

private:
    common::db::database& db_;
    tenancy::clock_function now_;
};

}  // namespace hub::oauth
