#include "common/cli/port_file.hpp"

#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace common::cli {

std::expected<void, std::string> write_port_file(const std::filesystem::path& file, const nlohmann::json& ports) {
    if (file.empty()) return {};
    auto temporary = file;
    temporary += ".new";
    std::ofstream out(temporary);
    out << ports << '\n';
    out.close();
    std::error_code ec;
    if (out) std::filesystem::rename(temporary, file, ec);
    if (out && !ec) return {};
    return std::unexpected(fmt::format("The port file {} cannot be written.", file.string()));
}

}  // namespace common::cli
