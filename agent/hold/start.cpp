#include "agent/hold/start.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace agent::hold {
namespace {

using json = nlohmann::json;

// claude's stderr need not be UTF-8.
std::string dump(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

std::optional<std::string> complaint(const spawn_spec& spec) {
    if (spec.session_id.empty() || spec.session_id.size() > 64 || has_nul(spec.session_id))
        return "session_id must have 1 to 64 characters.";
    if (!spec.directory.is_absolute()) return "directory must be an absolute path.";
    if (!spec.lock_file.is_absolute()) return "lock_file must be an absolute path.";
    if (!spec.cwd.is_absolute()) return "cwd must be an absolute path.";
    if (spec.argv.empty() || !std::filesystem::path(spec.argv[0]).is_absolute())
        return "argv must begin with an absolute path.";
    if (std::ranges::any_of(spec.argv, has_nul)) return "argv must not contain a NUL character.";
    for (const auto& [name, value] : spec.env)
        if (name.empty() || name.contains('=') || has_nul(name) || has_nul(value))
            return "env has a name or value that no environment can hold.";
    if (spec.spool_segment_bytes < 4096 || spec.spool_segment_bytes > (1u << 30))
        return "spool_segment_bytes must be between 4096 and 1 GiB.";
    if (spec.spool_bytes_max < spec.spool_segment_bytes)
        return "spool_bytes_max must not be less than spool_segment_bytes.";
    if (spec.lease < std::chrono::seconds(1) || spec.lease > std::chrono::hours(24 * 365))
        return "lease_s must be between 1 second and a year.";
    return std::nullopt;
}

}  // namespace

std::expected<std::string, std::string> to_json(const spawn_spec& spec) {
    if (const auto wrong = complaint(spec)) return std::unexpected("The spawn spec is wrong: " + *wrong);
    const json document{{"session_id", spec.session_id},
                        {"directory", spec.directory.string()},
                        {"lock_file", spec.lock_file.string()},
                        {"argv", spec.argv},
                        {"env", spec.env},
                        {"cwd", spec.cwd.string()},
                        {"spool_segment_bytes", spec.spool_segment_bytes},
                        {"spool_bytes_max", spec.spool_bytes_max},
                        {"lease_s", spec.lease.count()}};
    try {
        return document.dump();
    } catch (const json::type_error&) {
        return std::unexpected("The session's paths, arguments and environment must be UTF-8.");
    }
}

std::expected<spawn_spec, std::string> parse_spawn_spec(std::string_view text) {
    const auto document = json::parse(text, nullptr, false);
    if (!document.is_object()) return std::unexpected("The spawn spec is not a JSON object.");
    spawn_spec spec;
    try {
        document.at("session_id").get_to(spec.session_id);
        spec.directory = document.at("directory").get<std::string>();
        spec.lock_file = document.at("lock_file").get<std::string>();
        document.at("argv").get_to(spec.argv);
        document.at("env").get_to(spec.env);
        spec.cwd = document.at("cwd").get<std::string>();
        document.at("spool_segment_bytes").get_to(spec.spool_segment_bytes);
        document.at("spool_bytes_max").get_to(spec.spool_bytes_max);
        spec.lease = std::chrono::seconds(document.at("lease_s").get<std::int64_t>());
    } catch (const json::exception& e) {
        return std::unexpected(std::string("The spawn spec lacks a member or has one of a wrong type: ") + e.what());
    }
    if (const auto wrong = complaint(spec)) return std::unexpected("The spawn spec is wrong: " + *wrong);
    return spec;
}

std::string to_json(const start_report& report) {
    if (report) return dump(json{{"claude_pid", *report}});
    const char* code = report.error().code == hold_errc::locked ? "locked" : "start_failed";
    return dump(json{{"error", code}, {"message", report.error().message}});
}

start_report parse_start_report(std::string_view text) {
    const auto document = json::parse(text, nullptr, false);
    if (document.is_object() && document.contains("claude_pid") && document["claude_pid"].is_number_integer())
        return document["claude_pid"].get<int>();
    hold_error error{hold_errc::start_failed, "The session's holder ended before it told how its start went."};
    if (document.is_object() && document.contains("error") && document.contains("message") &&
        document["message"].is_string()) {
        if (document["error"] == "locked") error.code = hold_errc::locked;
        error.message = document["message"].get<std::string>();
    }
    return std::unexpected(std::move(error));
}

std::string to_json(const exit_info& info) {
    json document{{"stderr_tail", info.stderr_tail}};
    if (info.code) document["code"] = *info.code;
    if (info.signal) document["signal"] = *info.signal;
    return dump(document);
}

std::optional<exit_info> parse_exit_info(std::string_view text) {
    const auto document = json::parse(text, nullptr, false);
    if (!document.is_object()) return std::nullopt;
    exit_info info;
    const auto number = [&](const char* name) -> std::optional<int> {
        const auto found = document.find(name);
        if (found == document.end() || !found->is_number_integer()) return std::nullopt;
        return found->get<int>();
    };
    info.code = number("code");
    info.signal = number("signal");
    if (!info.code && !info.signal) return std::nullopt;
    if (const auto tail = document.find("stderr_tail"); tail != document.end() && tail->is_string())
        info.stderr_tail = tail->get<std::string>();
    return info;
}

}  // namespace agent::hold
