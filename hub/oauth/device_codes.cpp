// Machines that ask to be let in (RFC 8628): what they say of themselves, until a person has decided.
#include <algorithm>

#include "common/crypto/digest.hpp"
#include "common/crypto/random.hpp"
#include "hub/oauth/limits.hpp"
#include "hub/oauth/rows.hpp"
#include "hub/oauth/secrets.hpp"
#include "hub/oauth/store.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/rows.hpp"

namespace hub::oauth {

namespace {

using common::db::connection;
using tenancy::bytes;
using tenancy::errc;
using tenancy::fail;
using tenancy::text;

using poll = std::expected<device_token, device_refusal>;

constexpr std::string_view pending = "pending";
constexpr std::string_view approved = "approved";
constexpr std::string_view refused = "refused";

// RFC 8628 §6.1: no vowels, so no words; 20^8 of them.
std::string new_user_code() {
    constexpr std::string_view letters = "BCDFGHJKLMNPQRSTVWXZ";
    constexpr unsigned fair = 240;  // the largest multiple of 20 in a byte
    std::string code;
    while (code.size() < user_code_letters)
        for (const char c : common::crypto::random_bytes(user_code_letters))
            if (static_cast<unsigned char>(c) < fair && code.size() < user_code_letters)
                code += letters[static_cast<unsigned char>(c) % letters.size()];
    return code;
}

std::optional<device_request> select_pending(connection& c, std::string_view user_code, std::int64_t now) {
    const auto found = c.query(
        "SELECT user_code, machine_name, machine_os, machine_id, address, created_at FROM device_authorizations WHERE "
        "user_code = CAST(:code AS TEXT) AND state = 'pending' AND created_at > CAST(:oldest AS INTEGER)",
        {{"code", text(user_code)}, {"oldest", now - limits::device_ms}});
    if (found.empty()) return std::nullopt;
    const auto& row = found.front();
    return device_request{row.text("user_code"), row.text("machine_name"), row.text("machine_os"),
                          row.text("machine_id"), row.text("address")};
}

std::unexpected<tenancy::error> unknown_code() {
    return fail(errc::not_found, "There is no such code, or not any more. Look at it again on the machine.");
}

// The next poll may come after the interval only; each that comes too early makes it longer (RFC 8628 §3.5).
poll wait_longer(connection& c, const common::db::row& row, const common::db::value& hash, std::int64_t now) {
    const bool early = now < row.integer("polled_at") + row.integer("interval_ms");
    c.execute(
        "UPDATE device_authorizations SET polled_at = CAST(:now AS INTEGER), interval_ms = CAST(:interval AS INTEGER) "
        "WHERE hash = CAST(:hash AS BLOB)",
        {{"now", now},
         {"interval", row.integer("interval_ms") + (early ? limits::device_slow_down_ms : 0)},
         {"hash", hash}});
    return std::unexpected(early ? device_refusal::slow_down : device_refusal::authorization_pending);
}

poll poll_in(connection& c, std::string_view device_code, std::int64_t now) {
    const auto hash = bytes(common::crypto::sha256(device_code));
    const auto found = c.query(
        "SELECT machine_name, machine_id, created_at, polled_at, interval_ms, state, user_id, workspace_id "
        "FROM device_authorizations WHERE hash = CAST(:hash AS BLOB)",
        {{"hash", hash}});
    if (found.empty()) return std::unexpected(device_refusal::expired_token);
    const auto& row = found.front();
    if (row.integer("created_at") + limits::device_ms <= now) return std::unexpected(device_refusal::expired_token);
    if (row.text("state") == refused) return std::unexpected(device_refusal::access_denied);
    if (row.text("state") == pending) return wait_longer(c, row, hash, now);
    c.execute("DELETE FROM device_authorizations WHERE hash = CAST(:hash AS BLOB)", {{"hash", hash}});
    // May the person still do it?
    const auto role = tenancy::select_role(c, row.text("workspace_id"), row.text("user_id"));
    if (!role || *role < tenancy::role::admin) return std::unexpected(device_refusal::access_denied);
    tenancy::join_token_options options;
    options.workspace_id = row.text("workspace_id");
    options.created_by = row.text("user_id");
    options.machine_name = row.text("machine_name");
    options.machine_id = row.text("machine_id");
    options.ttl = std::chrono::seconds(limits::device_ms / 1000);
    return device_token{tenancy::insert_join_token(c, options, now).secret};
}

}  // namespace

result<device_codes> store::begin_device(const device_request& request) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<device_codes> {
        const auto now = now_();
        const auto open = c.query("SELECT count(*) AS n FROM device_authorizations");
        if (open.front().integer("n") >= limits::devices_open_max)
            c.execute(
                "DELETE FROM device_authorizations WHERE hash IN "
                "(SELECT hash FROM device_authorizations ORDER BY created_at LIMIT 50)");
        const device_codes made{new_secret(device_code_prefix), new_user_code()};
        c.execute(
            "INSERT INTO device_authorizations (hash, user_code, machine_name, machine_os, machine_id, address, created_at, "
            "polled_at, interval_ms, state) VALUES (CAST(:hash AS BLOB), CAST(:code AS TEXT), CAST(:name AS TEXT), "
            "CAST(:os AS TEXT), CAST(:machine AS TEXT), CAST(:address AS TEXT), CAST(:now AS INTEGER), 0, "
            "CAST(:interval AS INTEGER), 'pending')",
            {{"hash", bytes(common::crypto::sha256(made.device_code))},
             {"code", text(made.user_code)},
             {"name", text(request.machine_name)},
             {"os", text(request.machine_os)},
             {"machine", text(request.machine_id)},
             {"address", text(request.address)},
             {"now", now},
             {"interval", limits::device_interval_ms}});
        return made;
    });
}

result<device_request> store::find_device(std::string_view user_code) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<device_request> {
        auto found = select_pending(c, user_code, now_());
        if (!found) return unknown_code();
        return std::move(*found);
    });
}

result<void> store::decide_device(std::string_view user_code, const device_decision& what) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<void> {
        const auto now = now_();
        const auto request = select_pending(c, user_code, now);
        if (!request) return unknown_code();
        const auto role = tenancy::select_role(c, what.workspace_id, what.user_id);
        if (what.allowed && (!role || *role < tenancy::role::admin))
            return fail(errc::not_found, "Only an admin or owner of the workspace may add machines to it.");
        c.execute(
            "UPDATE device_authorizations SET state = CAST(:state AS TEXT), user_id = CAST(:user AS TEXT), "
            "workspace_id = CAST(:workspace AS TEXT) WHERE user_code = CAST(:code AS TEXT)",
            {{"state", text(what.allowed ? approved : refused)},
             {"user", text(what.user_id)},
             {"workspace", text(what.workspace_id)},
             {"code", text(user_code)}});
        tenancy::audit_entry entry;
        entry.workspace_id = role ? what.workspace_id : std::string();
        entry.actor = "user:" + what.user_id;
        entry.action = what.allowed ? "machine.allowed" : "machine.refused";
        entry.subject = request->machine_id;
        entry.result = "ok";
        tenancy::insert_audit(c, entry, now);
        return {};
    });
}

result<poll> store::poll_device(std::string_view device_code) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<poll> { return poll_in(c, device_code, now_()); });
}

}  // namespace hub::oauth
