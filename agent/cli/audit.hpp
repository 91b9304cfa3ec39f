// `codez audit`: who called what on this machine, and what was refused. Reads log.db beside a running agent.
#pragma once

#include <cstdint>
#include <expected>
#include <iosfwd>
#include <string>

#include "agent/paths.hpp"

namespace agent::cli {

struct audit_config {
    paths files;
    std::string since;    // 90m, 24h, 7d; empty: all that is kept
    std::string session;  // empty: all
    bool refused = false;
    std::int64_t limit = 100;
    bool json = false;
};

// Milliseconds; the error is a sentence.
std::expected<std::int64_t, std::string> parse_duration(const std::string& text);

// The exit status.
int audit(const audit_config& config, std::ostream& out, std::ostream& err);

}  // namespace agent::cli
