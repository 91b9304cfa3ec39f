#include "hub/tenancy/rows.hpp"

#include <stdexcept>

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

namespace hub::tenancy {

common::db::value text(std::string_view s) { return std::string(s); }
common::db::value bytes(std::string_view s) { return common::db::blob{std::string(s)}; }
common::db::value maybe(std::optional<std::int64_t> number) {
    return number ? common::db::value(*number) : common::db::value();
}

std::string new_id(std::string_view prefix) {
    return std::string(prefix) + common::crypto::base32_encode(common::crypto::random_bytes(10));
}

machine read_machine(const common::db::row& r) {
    machine m;
    m.id = r.text("id");
    m.workspace_id = r.text("workspace_id");
    m.name = r.text("name");
    m.public_key = r.bytes("public_key");
    const auto state = parse_machine_state(r.text("state"));
    if (!state) throw std::logic_error("a machine has an unknown state");
    m.state = *state;
    m.link_counter = r.integer("link_counter");
    m.epoch = r.integer("epoch");
    m.ack_seq = r.integer("ack_seq");
    m.log_id = r.text("log_id");
    m.version = r.text("version");
    m.os = r.text("os");
    m.arch = r.text("arch");
    m.hostname = r.text("hostname");
    m.created_at = r.integer("created_at");
    m.last_seen_at = r.maybe_integer("last_seen_at");
    return m;
}

}  // namespace hub::tenancy
