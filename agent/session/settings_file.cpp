#include "agent/session/settings_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "agent/hold/descriptor.hpp"
#include "agent/session/event_bodies.hpp"

namespace agent::session {

namespace fs = std::filesystem;

namespace {

fs::path file_of(const fs::path& state_directory, const std::string& session_id) {
    return state_directory / "settings" / (session_id + ".json");
}

}  // namespace

proto::result<fs::path> write_settings_file(const fs::path& state_directory, const std::string& session_id,
                                            const nlohmann::json& settings) {
    fs::path file = file_of(state_directory, session_id);
    std::error_code ec;
    fs::create_directories(file.parent_path(), ec);
    fs::permissions(file.parent_path(), fs::perms::owner_all, ec);
    const hold::descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    const std::string text = dump(settings);
    std::string_view rest = text;
    while (out && !rest.empty()) {
        const auto n = ::write(out.get(), rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
    if (out && rest.empty()) return file;
    return proto::fail(errno == ENOSPC ? proto::error_code::resource_exhausted : proto::error_code::internal,
                       "The session's settings cannot be written to " + file.string() + ".",
                       "Check the space on that disk, and that the directory belongs to the agent's user.");
}

void remove_settings_file(const fs::path& state_directory, const std::string& session_id) {
    std::error_code ignored;
    fs::remove(file_of(state_directory, session_id), ignored);
}

}  // namespace agent::session
