#include "hub/auth_server_arguments.hpp"

#include <fstream>

#include <CLI/CLI.hpp>

#include "common/auth/server_metadata.hpp"

namespace hub {

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

void auth_server_arguments::add_to(CLI::App& serve) {
    serve.add_option("--auth-server", issuer_,
                     "Issuer URL of another authorization server: clients sign in there; see link-identity");
    serve.add_option("--auth-kind", kind_, "How its tokens are checked")
        ->check(CLI::IsMember({"jwt", "introspection", "authkit"}))
        ->capture_default_str();
    serve.add_option("--auth-client-id", client_id_, "The hub's client id there, for introspection");
    serve.add_option("--auth-client-secret-file", secret_file_, "File with the secret of that client");
    serve.add_option("--auth-workspace-claim", workspace_claim_,
                     "Claim of its tokens that holds the id of a workspace");
    serve.add_flag("--auth-any-token-type", any_token_type_, "Take JWTs whose typ is not at+jwt");
    serve.add_flag("--auth-allow-unbound-audience", unbound_audience_,
                   "Take tokens that may have been made for another service: authkit knows no others");
    serve.add_option("--auth-scope", scopes_, "What tokens may, with authkit (mcp:tools); repeatable");
}

external::server_options auth_server_arguments::take() const {
    using external::server_kind;
    external::server_options options;
    if (issuer_.empty()) {
        if (!client_id_.empty() || !secret_file_.empty() || !workspace_claim_.empty() || any_token_type_ ||
            unbound_audience_ || !scopes_.empty() || kind_ != "jwt")
            throw CLI::ValidationError("--auth-server", "is missing: the other --auth-… options are about it");
        return options;
    }
    if (!common::auth::is_issuer(issuer_))
        throw CLI::ValidationError("--auth-server",
                                   "must be the issuer's https URL, as its tokens and metadata spell it");
    options.issuer = issuer_;
    options.kind = kind_ == "authkit"         ? server_kind::authkit
                   : kind_ == "introspection" ? server_kind::introspection
                                              : server_kind::jwt;
    const bool introspects = options.kind == server_kind::introspection;
    if (introspects != !client_id_.empty() || introspects != !secret_file_.empty())
        throw CLI::ValidationError("--auth-kind",
                                   "introspection, and it alone, needs --auth-client-id and "
                                   "--auth-client-secret-file");
    const bool is_authkit = options.kind == server_kind::authkit;
    if (is_authkit != unbound_audience_)
        throw CLI::ValidationError("--auth-kind",
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

}  // namespace hub
