// The options of `codez agent` about being reached directly.
#pragma once

#include <string>
#include <vector>

#include "agent/direct/endpoint.hpp"
#include "common/cli/auth_server_arguments.hpp"

namespace CLI {
class App;
}

namespace agent::cli {

class direct_arguments {
public:
    // Outlives the parsing.
    void add_to(CLI::App& agent);
    // What was given, or CLI::ValidationError. Without --listen: nothing, and none of the others may be there.
    direct::endpoint_config take(const char* authkit_url) const;

private:
    std::string listen_;
    std::vector<std::string> trusted_proxies_;
    std::vector<std::string> fetch_allowed_;
    direct::endpoint_config given_;
    common::cli::auth_server_arguments auth_server_{common::cli::auth_server_arguments::workspaces::none};
    CLI::App* command_ = nullptr;
};

}  // namespace agent::cli
