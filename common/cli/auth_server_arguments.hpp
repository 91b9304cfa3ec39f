// The options of a program about another authorization server whose tokens it takes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/auth/server_options.hpp"

namespace CLI {
class App;
}

namespace common::cli {

class auth_server_arguments {
public:
    // Are there workspaces, of which a token may name one?
    enum class workspaces { none, some };
    explicit auth_server_arguments(workspaces there_are) : workspaces_(there_are) {}

    // Outlives the parsing. `group`: the heading in --help.
    void add_to(CLI::App& command, const std::string& group = "Options");
    // What was given, or CLI::ValidationError. Reads the file with the secret. `authkit_url`: of the environment, an AuthKit
    // to use where no other server is named; may be null.
    auth::server_options take(const char* authkit_url) const;

private:
    workspaces workspaces_;
    std::string issuer_;
    std::string kind_ = "jwt";
    std::string client_id_;
    std::filesystem::path secret_file_;
    std::string workspace_claim_;
    bool any_token_type_ = false;
    bool unbound_audience_ = false;
    std::vector<std::string> scopes_;
};

}  // namespace common::cli
