// `codez key`: API keys for an agent that is reached directly. Beside a running agent too, which sees the change at once.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "agent/paths.hpp"

namespace agent::cli {

struct key_config {
    paths files;
    std::string name;
    std::vector<std::string> scopes;
    int days = 90;
    std::string id;  // of the key to revoke
    bool json = false;
};

// The exit status of each.
int new_key(const key_config& config, std::ostream& out, std::ostream& err);
int list_keys(const key_config& config, std::ostream& out, std::ostream& err);
int revoke_key(const key_config& config, std::ostream& out, std::ostream& err);

}  // namespace agent::cli
