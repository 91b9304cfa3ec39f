// Who makes a call: what the hub's verify() found out, what travels in a call frame, what the machine's journal and
// audit record. Plain value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace proto {

// A workspace, and what may be done in it.
struct workspace_scopes {
    std::string workspace_id;
    std::vector<std::string> scopes;

    bool operator==(const workspace_scopes&) const = default;
};

struct principal {
    std::string workspace_id;         // "w_…"; on the agent's own loopback listener "local"
    std::string user_id;              // "u_…"
    std::string client_id;            // the API key's or OAuth client's id: two clients of one user differ
    std::string name;                 // for people: shown with permission answers
    std::vector<std::string> scopes;  // with several workspaces: all that it has in any of them
    bool is_person = false;           // somebody signed in makes this call; else the client does, by itself
    std::optional<std::vector<std::string>> machines{};  // the only ones that it may reach; nullopt: all
    std::vector<std::string>
        attainable{};  // scopes that its person may still allow it; empty for keys, which cannot grow
    // With access to several workspaces: each of them, workspace_id too. At the hub only: a machine is told within().
    std::vector<workspace_scopes> workspaces{};

    // One string per (workspace, user, client): what idempotency keys and sealed ids are bound to.
    std::string key() const { return workspace_id + "/" + user_id + "/" + client_id; }
    bool has_scope(std::string_view scope) const;
    bool may_reach(std::string_view machine_id) const;
    std::vector<std::string> workspace_ids() const;
    // What it is in that one; nullopt: nothing.
    std::optional<principal> within(std::string_view workspace) const;

    bool operator==(const principal&) const = default;
};

}  // namespace proto
