// `codez setup --hub URL --join`: enrols this machine with a hub.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/paths.hpp"

namespace agent::cli {

struct setup_config {
    paths files;
    std::string hub_url;
    bool join = false;                 // with a join token, from join_file or asked for
    std::filesystem::path join_file;   // "-" is stdin; never argv: other users can read that
    std::string name;
    std::vector<std::filesystem::path> roots;  // become the policy's, if there is none yet
    std::filesystem::path ca_file;
};

// The exit status.
int setup(const setup_config& config);

}  // namespace agent::cli
