// A join token and a key become a machine.
#include "common/crypto/ed25519_key.hpp"
#include "hub/tenancy/machine_fields.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/limits.hpp"

namespace hub::tenancy {

namespace {

using common::db::connection;
using common::db::parameters;

struct join_token {
    std::string workspace_id;
    std::string machine_name;
    std::string used_by;  // empty: not used
};

result<join_token> take_token(connection& c, const enrolment& e, std::int64_t now) {
    const auto rows = c.query(
        "SELECT workspace_id, machine_name, machine_id, expires_at, used_at, used_by FROM join_tokens "
        "WHERE hash = CAST(:hash AS BLOB)",
        {{"hash", bytes(e.token_hash)}});
    if (rows.empty())
        return fail(errc::token_unknown, "This join token is not known here. Is it complete, and for this hub?");
    const auto& r = rows.front();
    if (now >= r.integer("expires_at"))
        return fail(errc::token_expired, "This join token is too old. Make a new one: codez-hub join-token.");
    if (const auto& only = r.text("machine_id"); !only.empty() && only != machine_id_of(e.public_key))
        return fail(errc::token_unknown, "This join token is for another machine's key.");
    return join_token{r.text("workspace_id"), r.text("machine_name"), r.maybe_text("used_by").value_or("")};
}

std::optional<machine> find(connection& c, std::string_view id) {
    const auto rows = c.query("SELECT " + std::string(machine_columns) + " FROM machines WHERE id = CAST(:id AS TEXT)",
                              {{"id", text(id)}});
    if (rows.empty()) return std::nullopt;
    return read_machine(rows.front());
}

// The token's name is an admin's word and wins over the machine's.
std::string name_for(const enrolment& e, const join_token& token) {
    if (!token.machine_name.empty()) return token.machine_name;
    return e.name.empty() ? e.fields.hostname : e.name;
}

void insert(connection& c, const machine& m) {
    c.execute(
        "INSERT INTO machines (id, workspace_id, name, name_key, public_key, state, link_counter, epoch, ack_seq, "
        "log_id, version, os, arch, hostname, created_at) VALUES (CAST(:id AS TEXT), CAST(:workspace AS TEXT), "
        "CAST(:name AS TEXT), CAST(:key AS TEXT), CAST(:public_key AS BLOB), 'active', 0, 0, 0, '', "
        "CAST(:version AS TEXT), CAST(:os AS TEXT), CAST(:arch AS TEXT), CAST(:hostname AS TEXT), "
        "CAST(:now AS INTEGER))",
        {{"id", m.id},
         {"workspace", m.workspace_id},
         {"name", m.name},
         {"key", lower_case(m.name)},
         {"public_key", bytes(m.public_key)},
         {"version", m.version},
         {"os", m.os},
         {"arch", m.arch},
         {"hostname", m.hostname},
         {"now", m.created_at}});
}

void update(connection& c, const machine& m) {
    c.execute(
        "UPDATE machines SET name = CAST(:name AS TEXT), name_key = CAST(:key AS TEXT), state = 'active', "
        "link_counter = CAST(:counter AS INTEGER), version = CAST(:version AS TEXT), os = CAST(:os AS TEXT), "
        "arch = CAST(:arch AS TEXT), hostname = CAST(:hostname AS TEXT) WHERE id = CAST(:id AS TEXT)",
        {{"id", m.id},
         {"name", m.name},
         {"key", lower_case(m.name)},
         {"counter", m.link_counter},
         {"version", m.version},
         {"os", m.os},
         {"arch", m.arch},
         {"hostname", m.hostname}});
}

void use_token(connection& c, const enrolment& e, const machine& m, std::int64_t now) {
    c.execute(
        "UPDATE join_tokens SET used_at = CAST(:now AS INTEGER), used_by = CAST(:machine AS TEXT) "
        "WHERE hash = CAST(:hash AS BLOB)",
        {{"now", now}, {"machine", m.id}, {"hash", bytes(e.token_hash)}});
    insert_audit(c,
                 {.workspace_id = m.workspace_id,
                  .actor = "machine:" + m.id,
                  .action = "machine.enrolled",
                  .subject = m.id,
                  .result = "ok"},
                 now);
}

bool is_taken(connection& c, const machine& m) {
    return !c.query(
                 "SELECT id FROM machines WHERE workspace_id = CAST(:workspace AS TEXT) "
                 "AND name_key = CAST(:key AS TEXT) AND id <> CAST(:id AS TEXT)",
                 {{"workspace", m.workspace_id}, {"key", lower_case(m.name)}, {"id", m.id}})
                .empty();
}

// What the machine is to become, or why not. Changes nothing.
result<machine> plan(connection& c, const enrolment& e, const join_token& token, std::int64_t now) {
    auto known = find(c, machine_id_of(e.public_key));
    if (known && known->workspace_id != token.workspace_id)
        return fail(errc::already_exists,
                    "This machine's key is enrolled elsewhere on this hub. Remove the key file and enrol again.");
    if (known && known->state == machine_state::revoked)
        return fail(errc::revoked, "This machine's key was revoked. Remove the key file and enrol again.");
    const auto wished = name_for(e, token);
    machine m = known.value_or(machine{});
    if (!known) {
        m.id = machine_id_of(e.public_key);
        m.workspace_id = token.workspace_id;
        m.public_key = e.public_key;
        m.created_at = now;
    } else {
        // A copy of the key presents the counter from before, which is now too low to pass for a lost welcome.
        m.link_counter += 2;
    }
    // Without a wish of its own, a machine that is known keeps its name.
    const bool has_wish = !token.machine_name.empty() || !e.name.empty();
    if (!known || has_wish) m.name = wished;
    m.state = machine_state::active;
    m.version = e.fields.version;
    m.os = e.fields.os;
    m.arch = e.fields.arch;
    m.hostname = e.fields.hostname;
    if (!is_name(m.name, proto::limits::name_bytes_max))
        return fail(errc::invalid, "The machine's name is empty, too long or not plain text. Give one with --name.");
    if (is_taken(c, m))
        return fail(errc::already_exists,
                    "Another machine of this workspace is called \"" + m.name + "\". Give another name with --name.");
    return m;
}

}  // namespace

result<machine> store::enroll(const enrolment& e) {
    if (e.public_key.size() != common::crypto::ed25519_key::public_key_size)
        return fail(errc::invalid, "The machine's public key must have 32 bytes.");
    if (auto bad = check(e.fields)) return std::unexpected(std::move(*bad));
    return in_transaction(db_, [&](connection& c) -> result<machine> {
        const auto now = now_();
        const auto token = take_token(c, e, now);
        if (!token) return std::unexpected(token.error());
        if (!token->used_by.empty()) {
            // The reply got lost, and the same machine asks again.
            auto same = token->used_by == machine_id_of(e.public_key) ? find(c, token->used_by) : std::nullopt;
            if (same && same->state == machine_state::active) return std::move(*same);
            return fail(errc::token_used, "This join token was used already. Make a new one: codez-hub join-token.");
        }
        auto planned = plan(c, e, *token, now);
        if (!planned) return planned;
        find(c, planned->id) ? update(c, *planned) : insert(c, *planned);
        use_token(c, e, *planned, now);
        return planned;
    });
}

}  // namespace hub::tenancy
