#include "proto/messages.hpp"

#include <algorithm>

#include "proto/object_reader.hpp"

namespace proto {
namespace {

using detail::decode;
using detail::dump;
using detail::json;
using detail::text_kind;
using reader = detail::object_reader;

constexpr std::size_t signature_bytes_max = 512;  // Ed25519 has 64; room for other algorithms
constexpr std::size_t hello_tools_max = 128;
constexpr std::size_t abilities_max = 16;
// Leaves the hub room to count up from whatever a machine presents.
constexpr std::int64_t counter_max = INT64_MAX / 2;

constexpr std::size_t principal_name_bytes_max = 2 * limits::name_bytes_max;
constexpr std::size_t session_title_bytes_max = 4 * limits::title_bytes_max;

// What people and models chose may be longer than the link takes; our own text must not end our own link.
std::string shortened(const std::string& text, std::size_t bytes_max) {
    std::size_t end = std::min(text.size(), bytes_max);
    while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end);
}

json to_json(const session_summary& s) {
    return {{"id", s.id},
            {"project_slug", s.project_slug},
            {"cwd", s.cwd},
            {"title", shortened(s.title, session_title_bytes_max)},
            {"status", s.status},
            {"state", s.state},
            {"model", shortened(s.model, limits::name_bytes_max)},
            {"permission_mode", s.permission_mode},
            {"created_at_ms", s.created_at_ms},
            {"updated_at_ms", s.updated_at_ms},
            {"pending_permissions", s.pending_permissions}};
}

session_summary read_session(reader& r) {
    session_summary s;
    s.id = r.text("id", 1, limits::id_bytes_max);
    s.project_slug = r.text("project_slug", 0, limits::path_bytes_max);
    s.cwd = r.text("cwd", 0, limits::path_bytes_max, text_kind::free);
    s.title = r.text("title", 0, session_title_bytes_max, text_kind::free);
    s.status = r.one_of("status", {"live", "mirror", "idle"});
    s.state = r.one_of("state", {"running", "requires_action", "idle", "interrupted"});
    s.model = r.text("model", 0, limits::name_bytes_max);
    s.permission_mode = r.text("permission_mode", 0, limits::id_bytes_max);
    s.created_at_ms = r.number("created_at_ms", 0, INT64_MAX);
    s.updated_at_ms = r.number("updated_at_ms", 0, INT64_MAX);
    s.pending_permissions = static_cast<int>(r.number("pending_permissions", 0, 1'000'000));
    return s;
}

}  // namespace

std::string encode(const hello& m) {
    json object = {{"machine_id", m.machine_id},
                   {"kid", m.kid},
                   {"agent_nonce", base64url_encode(m.agent_nonce)},
                   {"proto", m.proto},
                   {"version", m.version},
                   {"boot_id", m.boot_id},
                   {"link_counter", m.link_counter},
                   {"resume", {{"rx_seq", m.resume.rx_seq}, {"tx_seq", m.resume.tx_seq}, {"epoch", m.resume.epoch}}},
                   {"log_id", m.log_id},
                   {"last_seq", m.last_seq},
                   {"catalogue", m.catalogue},
                   {"tools", m.tools},
                   {"hostname", m.hostname},
                   {"os", m.os},
                   {"arch", m.arch}};
    if (!m.abilities.empty()) object["abilities"] = m.abilities;
    return dump(object);
}

decoded<hello> decode_hello(std::string_view text) {
    return decode<hello>(text, limits::handshake_frame_bytes_max, [](reader& r, hello& m) {
        m.machine_id = r.text("machine_id", 1, limits::id_bytes_max);
        m.kid = r.text("kid", 1, limits::id_bytes_max);
        m.agent_nonce = r.bytes("agent_nonce", limits::handshake_nonce_bytes, limits::handshake_nonce_bytes);
        m.version = r.text("version", 1, limits::id_bytes_max);
        m.boot_id = r.text("boot_id", 1, limits::id_bytes_max);
        m.link_counter = static_cast<std::uint64_t>(r.number("link_counter", 0, counter_max));
        m.log_id = r.text("log_id", 1, limits::id_bytes_max);
        m.last_seq = r.number("last_seq", 0, INT64_MAX);
        m.catalogue = r.text("catalogue", 1, limits::id_bytes_max);
        m.tools = r.texts("tools", hello_tools_max, limits::id_bytes_max);
        if (r.member("abilities") != nullptr) m.abilities = r.texts("abilities", abilities_max, limits::id_bytes_max);
        m.hostname = r.text("hostname", 0, 255);
        m.os = r.text("os", 0, limits::id_bytes_max);
        m.arch = r.text("arch", 0, limits::id_bytes_max);

        const json* versions = r.member("proto");
        const auto is_version = [](const json& v) { return v.is_number_unsigned() && v.get<std::uint64_t>() < 1000; };
        if (versions == nullptr || !versions->is_array() || versions->size() > 16 ||
            !std::ranges::all_of(*versions, is_version))
            r.complain("proto", "must be a list of version numbers");
        else
            m.proto = versions->get<std::vector<int>>();

        const json* resume = r.member("resume");
        if (resume == nullptr || !resume->is_object()) {
            r.complain("resume", "must be an object");
            return;
        }
        reader inner(*resume);
        m.resume.rx_seq = inner.number("rx_seq", 0, INT64_MAX);
        m.resume.tx_seq = inner.number("tx_seq", 0, INT64_MAX);
        m.resume.epoch = inner.number("epoch", 0, INT64_MAX);
        if (!inner.complaint().empty()) r.complain("resume", "is broken: " + inner.complaint());
    });
}

std::string encode(const challenge& m) {
    return dump({{"hub_nonce", base64url_encode(m.hub_nonce)},
                 {"hub_id", m.hub_id},
                 {"kid", m.kid},
                 {"ts", m.ts_ms},
                 {"exporter", m.exporter},
                 {"sig_hub", base64url_encode(m.signature)}});
}

decoded<challenge> decode_challenge(std::string_view text) {
    return decode<challenge>(text, limits::handshake_frame_bytes_max, [](reader& r, challenge& m) {
        m.hub_nonce = r.bytes("hub_nonce", limits::handshake_nonce_bytes, limits::handshake_nonce_bytes);
        m.hub_id = r.text("hub_id", 1, limits::id_bytes_max);
        m.kid = r.text("kid", 1, limits::id_bytes_max);
        m.ts_ms = r.number("ts", 0, INT64_MAX);
        m.exporter = r.flag("exporter");
        m.signature = r.bytes("sig_hub", 1, signature_bytes_max);
    });
}

std::string encode(const auth& m) { return dump({{"sig", base64url_encode(m.signature)}}); }

decoded<auth> decode_auth(std::string_view text) {
    return decode<auth>(text, limits::handshake_frame_bytes_max,
                        [](reader& r, auth& m) { m.signature = r.bytes("sig", 1, signature_bytes_max); });
}

std::string encode(const welcome& m) {
    return dump({{"epoch", m.epoch},
                 {"link_counter", m.link_counter},
                 {"link_state", m.link_state},
                 {"policy_rev", m.policy_rev},
                 {"ack_seq", m.ack_seq},
                 {"hb_ms", m.heartbeat_ms},
                 {"machine_name", m.machine_name}});
}

decoded<welcome> decode_welcome(std::string_view text) {
    return decode<welcome>(text, limits::handshake_frame_bytes_max, [](reader& r, welcome& m) {
        m.epoch = r.number("epoch", 1, INT64_MAX);
        m.link_counter = static_cast<std::uint64_t>(r.number("link_counter", 1, INT64_MAX));
        m.link_state = r.one_of("link_state", {"active", "pending"});
        m.policy_rev = r.number("policy_rev", 0, INT64_MAX);
        m.ack_seq = r.number("ack_seq", 0, INT64_MAX);
        m.heartbeat_ms = r.number("hb_ms", 1000, 300'000);
        m.machine_name = r.text("machine_name", 0, limits::name_bytes_max);
    });
}

std::string encode(const call_header& m) {
    json object = {{"tool", m.tool},
                   {"workspace_id", m.who.workspace_id},
                   {"user_id", m.who.user_id},
                   {"client_id", m.who.client_id},
                   {"name", shortened(m.who.name, principal_name_bytes_max)},
                   {"scopes", m.who.scopes},
                   {"person", m.who.is_person},
                   {"depth", m.depth},
                   {"deadline_ms", m.deadline_ms},
                   {"request_id", m.request_id},
                   {"progress", m.progress}};
    if (!m.abilities.empty()) object["abilities"] = m.abilities;
    if (!m.state.empty()) object["state"] = m.state;
    if (m.body_bytes > 0) object["body_bytes"] = m.body_bytes;
    return dump(object);
}

decoded<call_header> decode_call_header(std::string_view text) {
    return decode<call_header>(text, limits::call_header_bytes_max, [](reader& r, call_header& m) {
        m.tool = r.text("tool", 1, limits::name_bytes_max);
        m.who.workspace_id = r.text("workspace_id", 1, limits::id_bytes_max);
        m.who.user_id = r.text("user_id", 1, limits::id_bytes_max);
        m.who.client_id = r.text("client_id", 0, limits::name_bytes_max);
        m.who.name = r.text("name", 0, principal_name_bytes_max, text_kind::free);
        m.who.scopes = r.texts("scopes", limits::principal_scopes_max, limits::name_bytes_max);
        m.who.is_person = r.member("person") != nullptr && r.flag("person");  // hubs of before do not tell
        m.depth = static_cast<int>(r.number("depth", 0, 1000));
        m.deadline_ms = r.number("deadline_ms", 0, 24LL * 3600 * 1000);
        m.request_id = r.text("request_id", 1, limits::id_bytes_max);
        m.progress = r.flag("progress");
        if (r.member("abilities") != nullptr) m.abilities = r.texts("abilities", abilities_max, limits::id_bytes_max);
        m.state = r.text("state", 0, limits::mcp_state_bytes_max, text_kind::free);
        if (r.member("body_bytes"))
            m.body_bytes = static_cast<std::uint64_t>(r.number("body_bytes", 0, limits::call_body_bytes_max));
    });
}

std::string encode(const progress_update& m) {
    json object = {{"progress", m.progress}};
    if (m.total) object["total"] = *m.total;
    if (!m.message.empty()) object["message"] = m.message;
    return dump(object);
}

decoded<progress_update> decode_progress(std::string_view text) {
    return decode<progress_update>(text, limits::progress_bytes_max, [](reader& r, progress_update& m) {
        const json* progress = r.member("progress");
        const json* total = r.member("total");
        if (progress == nullptr || !progress->is_number())
            r.complain("progress", "must be a number");
        else
            m.progress = progress->get<double>();
        if (total != nullptr && !total->is_number())
            r.complain("total", "must be a number");
        else if (total != nullptr)
            m.total = total->get<double>();
        m.message = r.text("message", 0, limits::progress_bytes_max, text_kind::free);
    });
}

std::string encode(const sessions_snapshot& m) {
    json list = json::array();
    for (const auto& session : m.sessions) list.push_back(to_json(session));
    return dump({{"sessions", std::move(list)}, {"complete", m.complete}});
}

decoded<sessions_snapshot> decode_sessions(std::string_view text) {
    return decode<sessions_snapshot>(text, limits::sessions_bytes_max, [](reader& r, sessions_snapshot& m) {
        m.complete = r.flag("complete");
        const json* list = r.member("sessions");
        if (list == nullptr || !list->is_array() || list->size() > limits::sessions_max) {
            r.complain("sessions", "must be a list of at most " + std::to_string(limits::sessions_max) + " sessions");
            return;
        }
        for (const auto& item : *list) {
            if (!item.is_object()) {
                r.complain("sessions", "must hold objects");
                return;
            }
            reader inner(item);
            m.sessions.push_back(read_session(inner));
            if (!inner.complaint().empty()) {
                r.complain("sessions", "holds a broken one: " + inner.complaint());
                return;
            }
        }
    });
}

}  // namespace proto
