#include "agent/tools/session_json.hpp"

namespace agent::tools {

using nlohmann::json;

json session_json(const session::summary& s, const machine_identity& machine) {
    json out{{"id", s.id},
             {"projectSlug", s.slug},
             {"slug", s.slug},
             {"cwd", s.cwd},
             {"createdAt", s.created_at_ms},
             {"updatedAt", s.updated_at_ms},
             {"status", s.status},
             {"state", s.state},
             {"permissionMode", s.permission_mode},
             {"channel", {{"present", false}}},
             {"machine", machine.id},
             {"machineName", machine.name}};
    if (!s.title.empty()) out["title"] = s.title;
    if (!s.model.empty()) out["model"] = s.model;
    if (s.queue_position > 0) out["queuePosition"] = s.queue_position;
    if (s.last_message_at_ms > 0) out["lastMessageAt"] = s.last_message_at_ms;
    auto metadata = json::parse(s.metadata, nullptr, false);
    if (metadata.is_object()) out["metadata"] = std::move(metadata);
    return out;
}

json session_json(const history::session& s, const machine_identity& machine) {
    json out{{"id", s.id},
             {"projectSlug", s.slug},
             {"slug", s.slug},
             {"cwd", s.cwd},
             {"createdAt", s.created_at},
             {"updatedAt", s.updated_at},
             {"status", "idle"},
             {"state", "idle"},
             {"metadata", json::object()},
             {"channel", {{"present", false}}},
             {"pendingPermissions", 0},
             {"machine", machine.id},
             {"machineName", machine.name}};
    if (!s.title.empty()) out["title"] = s.title;
    if (s.last_message_at > 0) out["lastMessageAt"] = s.last_message_at;
    return out;
}

json activity_json(const session::activity& now) {
    json out{{"waitsFor", now.waits_for}, {"holder", now.holder}};
    if (now.last_output_at_ms > 0) out["lastOutputAt"] = now.last_output_at_ms;
    if (!now.tools.empty()) out["tools"] = now.tools;
    if (auto retry = json::parse(now.retry, nullptr, false); retry.is_object()) out["retry"] = std::move(retry);
    return out;
}

json permission_json(const session::pending_permission& p) {
    json out{{"sessionId", p.session_id},    {"requestId", p.request_id},       {"toolName", p.tool_name},
             {"description", p.description}, {"inputPreview", p.input_preview}, {"askedAt", p.asked_at_ms}};
    auto input = json::parse(p.input, nullptr, false);
    if (input.is_object()) out["input"] = std::move(input);
    auto suggestions = json::parse(p.suggestions, nullptr, false);
    if (suggestions.is_array()) out["suggestions"] = std::move(suggestions);
    if (!p.tool_use_id.empty()) out["toolUseId"] = p.tool_use_id;
    const auto details = json::parse(p.details, nullptr, false);
    if (details.is_object()) out.update(details);
    return out;
}

json permissions_json(const std::vector<session::pending_permission>& pending) {
    json out = json::array();
    for (const auto& p : pending) out.push_back(permission_json(p));
    return out;
}

boost::asio::awaitable<proto::result<std::map<std::string, std::int64_t>>> pending_by_session(const services& s) {
    auto pending = co_await s.sessions->pending_permissions("");
    if (!pending) co_return std::unexpected(std::move(pending.error()));
    std::map<std::string, std::int64_t> out;
    for (const auto& p : *pending) ++out[p.session_id];
    co_return out;
}

json grants_json(const std::vector<session::permission_grant>& grants) {
    json out = json::array();
    for (const auto& g : grants)
        out.push_back({{"grantId", g.id},
                       {"rule", g.rule},
                       {"grantedBy", g.by},
                       {"grantedByKind", g.by_kind},
                       {"grantedAt", g.at_ms}});
    return out;
}

std::string raw_array(const std::vector<std::string>& items) {
    std::string out = "[";
    for (const auto& item : items) {
        if (out.size() > 1) out += ',';
        out += item;
    }
    return out + "]";
}

}  // namespace agent::tools
