// The composition root of `codez agent`: the only place that makes its services, in the order of their dependencies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/direct/endpoint.hpp"
#include "agent/paths.hpp"
#include "common/log/logger.hpp"

namespace agent {

struct agent_config {
    paths files;
    std::uint16_t local_port = 4097;           // on 127.0.0.1: the endpoint asks for no credential
    std::vector<std::string> allowed_origins;  // of web pages that may call the local endpoint
    direct::endpoint_config direct;            // for callers elsewhere, without a hub
    std::filesystem::path port_file;  // written when ready: {"port":…,"direct_port":…}; for supervisors and tests
    common::log::level log_level = common::log::level::info;
    common::log::format log_format = common::log::format::human;
};

// Runs until SIGTERM or SIGINT; the sessions live on in their holders. The exit status.
int run_agent(const agent_config& config);

}  // namespace agent
