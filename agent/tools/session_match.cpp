#include "agent/tools/session_match.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

namespace agent::tools {

bool is_slug_of(std::string_view given, std::string_view slug, std::string_view cwd) {
    if (given == slug) return true;
    std::string simple(cwd);
    std::ranges::replace(simple, '/', '-');
    return given == simple;
}

std::optional<proto::error> check_slug(const call_context& c, std::string_view slug, std::string_view cwd) {
    using proto::error_code;
    const auto given = c.text("slug");
    if (!given.empty() && !is_slug_of(given, slug, cwd))
        return proto::error{error_code::invalid_argument,
                            fmt::format("`slug` is not that of the session, which is in the project {}.", slug),
                            "Leave `slug` out.",
                            {}};
    const auto dir = c.text("cwd");
    if (!dir.empty() && std::filesystem::path(dir).lexically_normal() != std::filesystem::path(cwd) &&
        std::filesystem::path(dir + "/").lexically_normal() != std::filesystem::path(std::string(cwd) + "/"))
        return proto::error{error_code::invalid_argument,
                            fmt::format("`cwd` is not that of the session, which is {}.", cwd),
                            "Leave `cwd` out.",
                            {}};
    return std::nullopt;
}

}  // namespace agent::tools
