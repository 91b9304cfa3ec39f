#include "agent/cli/audit.hpp"

#include <charconv>
#include <chrono>
#include <filesystem>
#include <ostream>
#include <vector>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include "agent/journal/audit_rows.hpp"
#include "common/db/database.hpp"
#include "common/db/sqlite_database.hpp"

namespace agent::cli {
namespace {

using journal::audit_entry;
using nlohmann::json;

json entry_json(const audit_entry& e) {
    json out{{"at", e.at_ms},
             {"principal", e.principal},
             {"origin", e.origin},
             {"tool", e.tool},
             {"outcome", e.refused ? "refused" : "allowed"},
             {"argumentsHash", e.arguments_hash}};
    if (!e.session_id.empty()) out["sessionId"] = e.session_id;
    if (e.refused) out["rule"] = e.rule;
    return out;
}

// What a hub made up may hold what moves a terminal's cursor.
std::string plain(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
    return text;
}

std::string line_of(const audit_entry& e) {
    const std::chrono::sys_time<std::chrono::seconds> at{std::chrono::seconds(e.at_ms / 1000)};
    return fmt::format("{:%F %T}Z  {:7}  {:6}  {:18}  {}{}{}\n", at, e.refused ? "refused" : "allowed", e.origin,
                       e.tool, plain(e.principal), e.session_id.empty() ? "" : "  session " + plain(e.session_id),
                       e.refused ? "  by " + e.rule : "");
}

}  // namespace

std::expected<std::int64_t, std::string> parse_duration(const std::string& text) {
    std::int64_t number = 0;
    const auto [rest, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    const std::int64_t minutes = unit == "m" ? 1 : unit == "h" ? 60 : unit == "d" ? 24 * 60 : 0;
    if (ec != std::errc() || minutes == 0 || number < 1 || number > 100'000)
        return std::unexpected("--since takes a time such as 90m, 24h or 7d.");
    return number * minutes * 60'000;
}

int audit(const audit_config& config, std::ostream& out, std::ostream& err) {
    const auto fails = [&](const std::string& why) {
        err << "codez: " << why << '\n';
        return 1;
    };
    journal::audit_query query;
    query.session_id = config.session;
    query.refused_only = config.refused;
    query.limit = config.limit;
    if (!config.since.empty()) {
        const auto span = parse_duration(config.since);
        if (!span) return fails(span.error());
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        query.since_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count() - *span;
    }
    const auto file = config.files.state / "log.db";
    std::error_code ec;
    if (!std::filesystem::exists(file, ec)) return fails(file.string() + " is not there: no agent has run here yet.");
    auto database = common::db::sqlite_database::open(file.string(), {.read_only = true});
    if (!database) return fails(file.string() + " cannot be read: " + database.error().message + ".");
    const auto entries =
        (*database)->transaction([&](common::db::connection& c) { return journal::list_audit(c, query); });
    if (!entries) return fails(file.string() + " cannot be read: " + entries.error().message + ".");

    if (config.json) {
        json list = json::array();
        for (const auto& e : *entries) list.push_back(entry_json(e));
        out << json{{"audit", std::move(list)}}.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
    } else {
        for (const auto& e : *entries) out << line_of(e);
    }
    return 0;
}

}  // namespace agent::cli
