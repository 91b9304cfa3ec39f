// A machine's link: who may have it, which is the newest, how far it got.
#include <algorithm>
#include <limits>

#include "hub/tenancy/machine_fields.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/limits.hpp"

namespace hub::tenancy {

namespace {

using common::db::connection;

constexpr std::size_t hostname_bytes_max = 255;  // RFC 1035 §2.3.4
constexpr std::size_t platform_bytes_max = 64;

std::unexpected<error> no_machine() { return fail(errc::not_found, "There is no such machine."); }

std::optional<error> barred(machine_state state) {
    switch (state) {
        case machine_state::active:
            return std::nullopt;
        case machine_state::pending:
            return error{errc::pending, "This machine waits for approval by an admin of its workspace.", {}};
        case machine_state::quarantined:
            return error{errc::quarantined,
                         "This machine's key was seen twice, so it is in quarantine. If no copy of it exists any more, "
                         "enrol the machine again with a new join token.",
                         {}};
        case machine_state::revoked:
            break;
    }
    return error{errc::revoked, "This machine was revoked.", {}};
}

void audit(connection& c, std::string_view workspace_id, std::string_view machine_id, std::string_view action,
           std::string_view outcome, std::int64_t now) {
    insert_audit(c,
                 {.workspace_id = std::string(workspace_id),
                  .actor = "machine:" + std::string(machine_id),
                  .action = std::string(action),
                  .subject = std::string(machine_id),
                  .result = std::string(outcome)},
                 now);
}

void quarantine(connection& c, std::string_view workspace_id, std::string_view machine_id, std::int64_t now) {
    c.execute("UPDATE machines SET state = 'quarantined' WHERE id = CAST(:id AS TEXT)", {{"id", text(machine_id)}});
    audit(c, workspace_id, machine_id, "machine.quarantined", "key_conflict", now);
}

void store_link(connection& c, const link_request& request, const link_grant& grant, std::int64_t now) {
    c.execute(
        "UPDATE machines SET epoch = CAST(:epoch AS INTEGER), link_counter = CAST(:counter AS INTEGER), "
        "ack_seq = CAST(:ack AS INTEGER), log_id = CAST(:log AS TEXT), version = CAST(:version AS TEXT), "
        "os = CAST(:os AS TEXT), arch = CAST(:arch AS TEXT), hostname = CAST(:hostname AS TEXT), "
        "last_seen_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
        {{"epoch", grant.epoch},
         {"counter", grant.link_counter},
         {"ack", grant.ack_seq},
         {"log", request.log_id},
         {"version", request.fields.version},
         {"os", request.fields.os},
         {"arch", request.fields.arch},
         {"hostname", request.fields.hostname},
         {"now", now},
         {"id", request.machine_id}});
}

// No row was changed for this epoch: why?
result<void> fenced_unless_current(connection& c, std::string_view machine_id, std::int64_t epoch) {
    const auto rows = c.query("SELECT epoch FROM machines WHERE id = CAST(:id AS TEXT)", {{"id", text(machine_id)}});
    if (rows.empty()) return no_machine();
    if (rows.front().integer("epoch") != epoch) return fail(errc::fenced, "A newer link of this machine exists.");
    return {};
}

}  // namespace

std::optional<error> check(const machine_fields& fields) {
    const bool good = is_plain_text(fields.version, platform_bytes_max) &&
                      is_plain_text(fields.os, platform_bytes_max) && is_plain_text(fields.arch, platform_bytes_max) &&
                      is_plain_text(fields.hostname, hostname_bytes_max);
    if (good) return std::nullopt;
    return error{errc::invalid, "The machine's version, system or host name is too long or not plain text.", {}};
}

result<link_grant> store::begin_link(const link_request& request) {
    const auto presented = request.presented_counter;
    if (presented < 0 || presented == std::numeric_limits<std::int64_t>::max())
        return fail(errc::invalid, "The link counter is out of range.");
    if (!is_plain_text(request.log_id, proto::limits::id_bytes_max))
        return fail(errc::invalid, "The id of the machine's event log is too long or not plain text.");
    if (auto bad = check(request.fields)) return std::unexpected(std::move(*bad));
    return in_transaction(db_, [&](connection& c) -> result<link_grant> {
        const auto rows =
            c.query("SELECT " + std::string(machine_columns) + " FROM machines WHERE id = CAST(:id AS TEXT)",
                    {{"id", request.machine_id}});
        if (rows.empty()) return no_machine();
        const auto known = read_machine(rows.front());
        if (auto bad = barred(known.state)) return std::unexpected(std::move(*bad));
        const auto now = now_();
        // One behind is a lost welcome. More is a copy of the key, or a machine brought back from an old backup.
        if (presented < known.link_counter - 1) {
            quarantine(c, known.workspace_id, known.id, now);
            return fail(errc::key_conflict, "This machine's key was seen twice, so it is in quarantine now.");
        }
        // Only the hub can have forgotten: its database was restored from a backup.
        if (presented > known.link_counter)
            audit(c, known.workspace_id, known.id, "machine.linked", "hub_restored", now);
        link_grant grant;
        grant.workspace_id = known.workspace_id;
        grant.name = known.name;
        grant.epoch = known.epoch + 1;
        // After a lost welcome the counter stays: a second lost one in a row must not look like a copy.
        grant.link_counter = std::max(known.link_counter, presented + 1);
        grant.counter_repeated = grant.link_counter == known.link_counter;
        grant.ack_seq = request.log_id == known.log_id ? known.ack_seq : 0;
        store_link(c, request, grant, now);
        return grant;
    });
}

result<void> store::note_ack(std::string_view machine_id, std::int64_t epoch, std::int64_t seq) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const auto changed = c.execute(
            "UPDATE machines SET ack_seq = CAST(:seq AS INTEGER), last_seen_at = CAST(:now AS INTEGER) "
            "WHERE id = CAST(:id AS TEXT) AND epoch = CAST(:epoch AS INTEGER) AND ack_seq < CAST(:seq AS INTEGER)",
            {{"id", text(machine_id)}, {"epoch", epoch}, {"seq", seq}, {"now", now_()}});
        if (changed > 0) return {};
        return fenced_unless_current(c, machine_id, epoch);
    });
}

result<void> store::note_seen(std::string_view machine_id, std::int64_t epoch) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const auto changed = c.execute(
            "UPDATE machines SET last_seen_at = CAST(:now AS INTEGER) "
            "WHERE id = CAST(:id AS TEXT) AND epoch = CAST(:epoch AS INTEGER)",
            {{"id", text(machine_id)}, {"epoch", epoch}, {"now", now_()}});
        if (changed > 0) return {};
        return fenced_unless_current(c, machine_id, epoch);
    });
}

result<void> store::quarantine_machine(std::string_view machine_id) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const auto rows = c.query("SELECT workspace_id, state FROM machines WHERE id = CAST(:id AS TEXT)",
                                  {{"id", text(machine_id)}});
        if (rows.empty()) return no_machine();
        const auto state = parse_machine_state(rows.front().text("state"));
        if (state == machine_state::active || state == machine_state::pending)
            quarantine(c, rows.front().text("workspace_id"), machine_id, now_());
        return {};
    });
}

}  // namespace hub::tenancy
