// codez-hub: parses the command line, nothing else.

#include <CLI/CLI.hpp>

#include "common/cli/auth_server_arguments.hpp"
#include "common/net/web_origin.hpp"
#include "hub/app.hpp"
#include "hub/operator.hpp"
#include "hub/operator_people.hpp"
#include "hub/refuse.hpp"
#include "hub/tenancy/store.hpp"

namespace {

common::net::listen_address parse_address(const std::string& text) {
    if (auto address = common::net::parse_listen_address(text)) return *address;
    throw CLI::ValidationError("ADDRESS:PORT", "'" + text + "' is not of the form 127.0.0.1:4096");
}

common::net::fetch_place parse_place(const std::string& text) {
    if (auto place = common::net::parse_fetch_place(text)) return *place;
    throw CLI::ValidationError("--allow-fetch-from", "'" + text + "' is not of the form idp.example.com:443");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli("codez-hub: one URL for the Claude Code sessions of all your machines.");
    cli.set_version_flag("--version", CODEZ_VERSION);
    cli.require_subcommand(1);

    hub::init_config init;
    auto* init_command = cli.add_subcommand("init", "Make a hub: data directory, workspace, owner, first credentials.");
    init_command->add_option("--data", init.data, "Data directory; made if it is not there")->required();
    init_command->add_option("--database", init.database, "postgresql://… instead of SQLite in the data directory");
    init_command->add_option("--workspace", init.workspace, "Name of the workspace")->capture_default_str();
    init_command->add_option("--owner", init.owner, "Name of its owner")->capture_default_str();
    init_command->add_option("--email", init.email, "E-mail address that the owner signs in with");
    init_command->add_option("--public-url", init.public_url, "The hub's URL, for the owner's link");
    init_command->add_flag("--json", init.json, "Print JSON");

    hub::init_config workspace;
    auto* workspace_command =
        cli.add_subcommand("workspace", "Make another workspace, with an owner and credentials of its own.");
    workspace_command->add_option("--data", workspace.data, "Data directory")->required();
    workspace_command->add_option("--database", workspace.database, "As for init");
    workspace_command->add_option("--name", workspace.workspace, "Name of the workspace")->required();
    workspace_command->add_option("--owner", workspace.owner, "Name of its owner")->required();
    workspace_command->add_option("--email", workspace.email, "E-mail address that the owner signs in with");
    workspace_command->add_option("--public-url", workspace.public_url, "The hub's URL, for the owner's link");
    workspace_command->add_flag("--json", workspace.json, "Print JSON");

    hub::credential_config key;
    auto* key_command = cli.add_subcommand("api-key", "Make another API key for the workspace's owner; printed once.");
    key_command->add_option("--data", key.data, "Data directory")->required();
    key_command->add_option("--database", key.database, "As for init");
    key_command->add_option("--workspace", key.workspace, "Name of the workspace; needed if there are several");
    key_command->add_option("--name", key.name, "What the key is for")->required();
    key_command->add_flag("--admin", key.admin, "It may also manage the workspace, e.g. POST /api/servers");
    key_command->add_flag("--json", key.json, "Print JSON");

    hub::credential_config join;
    auto* join_command =
        cli.add_subcommand("join-token", "Make a token that enrols one machine; printed once, good for an hour.");
    join_command->add_option("--data", join.data, "Data directory")->required();
    join_command->add_option("--database", join.database, "As for init");
    join_command->add_option("--workspace", join.workspace, "Name of the workspace; needed if there are several");
    join_command->add_option("--name", join.name, "Name that the machine will get");
    join_command->add_flag("--json", join.json, "Print JSON");

    hub::link_config let_in;
    auto* let_in_command = cli.add_subcommand(
        "sign-in-link", "Make a link that lets somebody set a password and sign in; once, good for 15 minutes.");
    let_in_command->add_option("--data", let_in.where.data, "Data directory")->required();
    let_in_command->add_option("--database", let_in.where.database, "As for init");
    let_in_command->add_option("--user", let_in.email, "E-mail address of the account; else the workspace's owner");
    let_in_command->add_option("--workspace", let_in.where.workspace,
                               "Name of the workspace; needed if there are several");
    let_in_command->add_option("--public-url", let_in.public_url, "The hub's URL; else only the path is printed");
    let_in_command->add_flag("--json", let_in.where.json, "Print JSON");

    hub::link_config invited;
    auto* invite_command =
        cli.add_subcommand("invite", "Make a link that invites somebody into a workspace; once, good for a day.");
    invite_command->add_option("--data", invited.where.data, "Data directory")->required();
    invite_command->add_option("--database", invited.where.database, "As for init");
    invite_command->add_option("--workspace", invited.where.workspace,
                               "Name of the workspace; needed if there are several");
    invite_command->add_option("--email", invited.email, "E-mail address of who is invited")->required();
    invite_command->add_option("--role", invited.role, "viewer, member, admin or owner")->capture_default_str();
    invite_command->add_option("--public-url", invited.public_url, "The hub's URL; else only the path is printed");
    invite_command->add_flag("--json", invited.where.json, "Print JSON");

    hub::identity_config linked;
    auto* identity_command = cli.add_subcommand(
        "link-identity", "Say who of the hub's people a subject of another authorization server is.");
    identity_command->add_option("--data", linked.where.data, "Data directory")->required();
    identity_command->add_option("--database", linked.where.database, "As for init");
    identity_command->add_option("--issuer", linked.issuer, "As serve's --auth-server")->required();
    identity_command->add_option("--subject", linked.subject, "The \"sub\" of the person's tokens")->required();
    identity_command->add_option("--user", linked.email, "E-mail address of the account; else the workspace's owner");
    identity_command->add_option("--workspace", linked.where.workspace,
                                 "Name of the workspace; needed if there are several");
    identity_command->add_flag("--remove", linked.remove, "Take the link back");
    identity_command->add_flag("--json", linked.where.json, "Print JSON");

    hub::credential_config listed;
    auto* list_command = cli.add_subcommand("list", "List the API keys and machines of a workspace.");
    list_command->add_option("--data", listed.data, "Data directory")->required();
    list_command->add_option("--database", listed.database, "As for init");
    list_command->add_option("--workspace", listed.workspace, "Name of the workspace; needed if there are several");
    list_command->add_flag("--json", listed.json, "Print JSON");

    hub::credential_config from;
    std::string revoked;
    auto* revoke_command = cli.add_subcommand("revoke", "Revoke an API key or a machine for good.");
    revoke_command->add_option("id", revoked, "Id of the key, or id or name of the machine; see list")->required();
    revoke_command->add_option("--data", from.data, "Data directory")->required();
    revoke_command->add_option("--database", from.database, "As for init");
    revoke_command->add_option("--workspace", from.workspace, "Name of the workspace; needed if there are several");
    revoke_command->add_flag("--json", from.json, "Print JSON");

    hub::audit_config audited;
    std::string since = "24h";
    auto* audit_command = cli.add_subcommand("audit", "Tell who did what: changes, calls that act, and refused calls.");
    audit_command->add_option("--data", audited.where.data, "Data directory")->required();
    audit_command->add_option("--database", audited.where.database, "As for init");
    audit_command->add_option("--workspace", audited.where.workspace,
                              "Name of the workspace; needed if there are several");
    audit_command->add_option("--since", since, "90m, 24h, 7d, 2026-11-21 or 2026-11-21T05:10:55Z")
        ->capture_default_str();
    audit_command->add_option("--machine", audited.machine, "Only what concerns this machine: its id or name");
    audit_command->add_flag("--refused", audited.refused, "Only calls that rights or a machine's policy refused");
    audit_command->add_flag("--json", audited.where.json, "Print JSON");

    hub::serve_config serve;
    std::string listen = "127.0.0.1:4096";
    std::string ops_listen = "127.0.0.1:9464";
    std::vector<std::string> fetch_allowed;
    std::string log_level = "info";
    std::string log_format = "human";
    auto* serve_command = cli.add_subcommand("serve", "Serve MCP clients and machines.");
    serve_command->add_option("--data", serve.data, "Data directory")->required();
    serve_command->add_option("--database", serve.database, "As for init");
    serve_command->add_option("--listen", listen, "ADDRESS:PORT for clients and machines")->capture_default_str();
    serve_command->add_option("--ops-listen", ops_listen, "ADDRESS:PORT for health checks")->capture_default_str();
    serve_command->add_option("--public-url", serve.public_url,
                              "The URL that clients and machines use, e.g. https://hub.example.com");
    serve_command->add_option("--tls-cert", serve.tls_certificate, "PEM file: certificate chain. Read again on SIGHUP");
    serve_command->add_option("--tls-key", serve.tls_key, "PEM file: its private key");
    serve_command->add_option("--allow-origin", serve.allowed_origins,
                              "Origin of web pages that may call, e.g. https://app.example.com; repeatable");
    serve_command->add_option(
        "--allow-fetch-from", fetch_allowed,
        "HOST:PORT that the hub may fetch https documents from although it is not public; repeatable");
    serve_command->add_option("--fetch-ca", serve.fetch_ca,
                              "PEM file: authorities to trust besides the system's when the hub fetches documents");
    std::filesystem::path sign_in_providers;
    serve_command->add_option("--sign-in-providers", sign_in_providers,
                              "JSON file: accounts elsewhere (OpenID Connect, Google, GitHub) that people may sign in "
                              "with; register PUBLIC_URL/sign-in/callback/ID there. See docs/operations.md");
    std::vector<std::string> trusted_proxies;
    serve_command->add_option(
        "--trusted-proxy", trusted_proxies,
        "ADDRESS or NETWORK/BITS of a reverse proxy whose X-Forwarded-For is believed; repeatable");
    serve_command
        ->add_option("--registrations-per-hour", serve.registrations_per_hour,
                     "OAuth clients that may register from one address")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    serve_command->add_option("--audit-days", serve.audit_days, "Keep the audit for so many days")
        ->check(CLI::Range(1, 3650))
        ->capture_default_str();
    serve_command->add_option("--port-file", serve.port_file, "Write the ports as JSON to this file when ready");
    serve_command->add_option("--log-level", log_level)->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    serve_command->add_option("--log-format", log_format)->check(CLI::IsMember({"human", "json"}));

    using workspaces = common::cli::auth_server_arguments::workspaces;
    common::cli::auth_server_arguments auth_server(workspaces::some);
    auth_server.add_to(*serve_command);

    try {
        cli.parse(argc, argv);
        serve.auth_server = auth_server.take(std::getenv("AUTHKIT_URL"));
        if (serve.tls_certificate.empty() != serve.tls_key.empty())
            throw CLI::ValidationError("--tls-cert", "needs --tls-key, and the other way round");
        const auto from_when = hub::parse_since(since, hub::tenancy::system_time_ms());
        if (!from_when) throw CLI::ValidationError("--since", "must be like 24h, 7d or 2026-11-21");
        audited.since_ms = *from_when;
        serve.listen = parse_address(listen);
        serve.ops_listen = parse_address(ops_listen);
        if (!serve.public_url.empty() && !common::net::is_web_origin(serve.public_url))
            throw CLI::ValidationError("--public-url", "must be of the form https://hub.example.com, without a path");
        for (const auto& place : fetch_allowed) serve.fetch_allowed.push_back(parse_place(place));
        for (const auto& origin : serve.allowed_origins)
            if (!common::net::is_web_origin(origin))
                throw CLI::ValidationError("--allow-origin",
                                           "must be of the form https://app.example.com, without a path");
        for (const auto& text : trusted_proxies) {
            const auto range = common::net::parse_address_range(text);
            if (!range) throw CLI::ValidationError("--trusted-proxy", "must be like 10.0.0.0/8 or 127.0.0.1");
            serve.trusted_proxies.push_back(*range);
        }
        if (!sign_in_providers.empty()) {
            auto read = hub::upstream::read_providers(sign_in_providers);
            if (!read)
                throw CLI::ValidationError("--sign-in-providers", sign_in_providers.string() + ": " + read.error());
            serve.sign_in_providers = std::move(*read);
        }
        serve.log_level = *common::log::parse_level(log_level);
        serve.log_format = *common::log::parse_format(log_format);
    } catch (const CLI::ParseError& e) {
        return cli.exit(e);
    }
    try {
        if (init_command->parsed()) return hub::init(init);
        if (workspace_command->parsed()) return hub::make_workspace(workspace);
        if (key_command->parsed()) return hub::make_api_key(key);
        if (join_command->parsed()) return hub::make_join_token(join);
        if (let_in_command->parsed()) return hub::make_sign_in_link(let_in);
        if (invite_command->parsed()) return hub::invite(invited);
        if (identity_command->parsed()) return hub::link_identity(linked);
        if (list_command->parsed()) return hub::list(listed);
        if (revoke_command->parsed()) return hub::revoke(from, revoked);
        if (audit_command->parsed()) return hub::audit(audited);
        return hub::serve(serve);
    } catch (const std::exception& e) {
        return hub::refuse(std::string("It ended by a bug: ") + e.what());
    }
}
