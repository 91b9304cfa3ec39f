// Where a program listens, for supervisors and tests that let the system choose its ports.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace common::cli {

// Written whole: whoever finds the file may read it. Nothing for an empty name. The error is a sentence.
std::expected<void, std::string> write_port_file(const std::filesystem::path& file, const nlohmann::json& ports);

}  // namespace common::cli
