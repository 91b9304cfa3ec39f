// The options of `codez-hub serve` about another authorization server.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hub/external/sign_in.hpp"

namespace CLI {
class App;
}

namespace hub {

class auth_server_arguments {
public:
    // Outlives the parsing.
    void add_to(CLI::App& serve);
    // What was given, or CLI::ValidationError. Reads the file with the secret.
    external::server_options take() const;

private:
    std::string issuer_;
    std::string kind_ = "jwt";
    std::string client_id_;
    std::filesystem::path secret_file_;
    std::string workspace_claim_;
    bool any_token_type_ = false;
    bool unbound_audience_ = false;
    std::vector<std::string> scopes_;
};

}  // namespace hub
