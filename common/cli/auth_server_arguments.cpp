#include "common/cli/auth_server_arguments.hpp"

#include <fstream>

#include <CLI/CLI.hpp>

#include "common/auth/server_metadata.hpp"

namespace common::cli {

namespace {

constexpr std::size_t secret_bytes_max = 4096;

std::string read_secret(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string secret(secret_bytes_max + 1, '\0');
    in.read(secret.data(), static_cast<std::streamsize>(secret.size()));
    secret.resize(static_cast<std::size_t>(in.gcount()));
    while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
    if (secret.empty() || secret.size() > secret_bytes_max)
        throw CLI::ValidationError("--auth-client-secret-file",
                                   "'" + file.string() + "' holds no secret, or cannot be read");
    return secret;
}

}  // namespace

void auth_server_arguments::add_to(CLI::App& command, const std::string& group) {
    const auto add = [&](const char* name, auto& value, const char* what) {
        return command.add_option(name, value, what)->group(group);
    };
    add("--auth-server", issuer_, "Issuer URL of another authorization server, where clients sign in");
    add("--auth-kind", kind_, "How its tokens are checked")
        ->check(CLI::IsMember({"jwt", "introspection", "authkit"}))
        ->capture_default_str();
    add("--auth-client-id", client_id_, "Our client id there, for introspection");
    add("--auth-client-secret-file", secret_file_, "File with the secret of that client");
    if (workspaces_ == workspaces::some)
        add("--auth-workspace-claim", workspace_claim_, "Claim of its tokens that holds the id of a workspace");
    command.add_flag("--auth-any-token-type", any_token_type_, "Take JWTs whose typ is not at+jwt")->group(group);
    command
        .add_flag("--auth-allow-unbound-audience", unbound_audience_,
                  "Take tokens that may have been made for another service: authkit knows no others")
        ->group(group);
    add("--auth-scope", scopes_, "What tokens may, with authkit (mcp:tools); repeatable");
}

auth::server_options auth_server_arguments::take(const char* authkit_url) const {
    using auth::server_kind;
    auth::server_options options;
    const bool from_environment = issuer_.empty() && authkit_url != nullptr && *authkit_url != '\0';
    const std::string issuer = from_environment ? authkit_url : issuer_;
    const std::string kind = from_environment ? "authkit" : kind_;
    if (issuer.empty()) {
        if (!client_id_.empty() || !secret_file_.empty() || !workspace_claim_.empty() || any_token_type_ ||
            unbound_audience_ || !scopes_.empty() || kind_ != "jwt")
            throw CLI::ValidationError("--auth-server", "is missing: the other --auth-… options are about it");
        return options;
    }
    if (!auth::is_issuer(issuer))
        throw CLI::ValidationError(from_environment ? "AUTHKIT_URL" : "--auth-server",
                                   "must be the issuer's https URL, as its tokens and metadata spell it");
    options.issuer = issuer;
    options.kind = kind == "authkit"         ? server_kind::authkit
                   : kind == "introspection" ? server_kind::introspection
                                             : server_kind::jwt;
    const bool introspects = options.kind == server_kind::introspection;
    if (introspects != !client_id_.empty() || introspects != !secret_file_.empty())
        throw CLI::ValidationError("--auth-kind",
                                   "introspection, and it alone, needs --auth-client-id and "
                                   "--auth-client-secret-file");
    const bool is_authkit = options.kind == server_kind::authkit;
    if (is_authkit != unbound_audience_)
        throw CLI::ValidationError(from_environment ? "AUTHKIT_URL" : "--auth-kind",
                                   "authkit, and it alone, needs --auth-allow-unbound-audience: whoever has "
                                   "any token of that AuthKit gets in");
    if (!is_authkit && !scopes_.empty()) throw CLI::ValidationError("--auth-scope", "is for authkit only");
    options.client_id = client_id_;
    if (introspects) options.client_secret = read_secret(secret_file_);
    options.workspace_claim = workspace_claim_;
    options.any_token_type = any_token_type_;
    if (!scopes_.empty()) options.scopes = scopes_;
    return options;
}

}  // namespace common::cli
