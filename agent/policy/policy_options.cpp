// The policy's word on the options of a session; see policy.hpp.
#include <filesystem>

#include <fmt/format.h>

#include "agent/policy/policy.hpp"

namespace agent {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// A link in the file's own place would lead what is written elsewhere.
bool is_plain_place(const fs::path& file) {
    std::error_code ec;
    const auto there = fs::symlink_status(file, ec);
    return there.type() == fs::file_type::not_found || there.type() == fs::file_type::regular;
}

}  // namespace

proto::result<json> policy::check_session_options(json options, bool from_afar) const {
    if (from_afar)
        if (auto no = options_.refused(options))
            return std::unexpected(denied(no->rule, std::move(no->message), std::move(no->hint)));
    for (const char* name : {"additional_directories", "plugins"}) {
        const auto list = options.find(name);
        if (list == options.end()) continue;
        for (auto& path : *list) {
            auto real = check_directory(path.get_ref<const std::string&>(), name);
            if (!real) return std::unexpected(std::move(real.error()));
            path = real->string();
        }
    }
    if (const auto file = options.find("debug_file"); file != options.end()) {
        const fs::path path = file->get<std::string>();
        auto directory = check_directory(path.parent_path().string(), "debug_file");
        if (!directory) return std::unexpected(std::move(directory.error()));
        const fs::path real = *directory / path.filename();
        if (!path.has_filename() || path.filename() == ".." || path.filename() == "." || !is_plain_place(real))
            return proto::fail(proto::error_code::invalid_argument,
                               "`debug_file` must be the path of a file, or of none yet.");
        *file = real.string();
    }
    return options;
}

}  // namespace agent
