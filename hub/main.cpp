// codez-hub: parses the command line, nothing else.

#include <iostream>

#include <CLI/CLI.hpp>

#include "hub/app.hpp"
#include "hub/init.hpp"

namespace {

common::net::listen_address parse_address(const std::string& text) {
    if (auto address = common::net::parse_listen_address(text)) return *address;
    throw CLI::ValidationError("ADDRESS:PORT", "'" + text + "' is not of the form 127.0.0.1:4096");
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
    init_command->add_flag("--json", init.json, "Print JSON");

    hub::init_config workspace;
    auto* workspace_command = cli.add_subcommand("workspace", "Make another workspace, with an owner and credentials of its own.");
    workspace_command->add_option("--data", workspace.data, "Data directory")->required();
    workspace_command->add_option("--database", workspace.database, "As for init");
    workspace_command->add_option("--name", workspace.workspace, "Name of the workspace")->required();
    workspace_command->add_option("--owner", workspace.owner, "Name of its owner")->required();
    workspace_command->add_flag("--json", workspace.json, "Print JSON");

    hub::credential_config key;
    auto* key_command = cli.add_subcommand("api-key", "Make another API key for the workspace's owner; printed once.");
    key_command->add_option("--data", key.data, "Data directory")->required();
    key_command->add_option("--database", key.database, "As for init");
    key_command->add_option("--workspace", key.workspace, "Name of the workspace; needed if there are several");
    key_command->add_option("--name", key.name, "What the key is for")->required();
    key_command->add_flag("--json", key.json, "Print JSON");

    hub::credential_config join;
    auto* join_command = cli.add_subcommand("join-token", "Make a token that enrols one machine; printed once, good for an hour.");
    join_command->add_option("--data", join.data, "Data directory")->required();
    join_command->add_option("--database", join.database, "As for init");
    join_command->add_option("--workspace", join.workspace, "Name of the workspace; needed if there are several");
    join_command->add_option("--name", join.name, "Name that the machine will get");
    join_command->add_flag("--json", join.json, "Print JSON");

    hub::serve_config serve;
    std::string listen = "127.0.0.1:4096";
    std::string ops_listen = "127.0.0.1:9464";
    std::string log_level = "info";
    std::string log_format = "human";
    auto* serve_command = cli.add_subcommand("serve", "Serve MCP clients and machines.");
    serve_command->add_option("--data", serve.data, "Data directory")->required();
    serve_command->add_option("--database", serve.database, "As for init");
    serve_command->add_option("--listen", listen, "ADDRESS:PORT for clients and machines")->capture_default_str();
    serve_command->add_option("--ops-listen", ops_listen, "ADDRESS:PORT for health checks")->capture_default_str();
    serve_command->add_option("--public-url", serve.public_url, "The URL that clients and machines use, e.g. https://hub.example.com");
    serve_command->add_option("--tls-cert", serve.tls_certificate, "PEM file: certificate chain. Read again on SIGHUP");
    serve_command->add_option("--tls-key", serve.tls_key, "PEM file: its private key");
    serve_command->add_option("--allow-origin", serve.allowed_origins, "Origin of web pages that may call; repeatable");
    serve_command->add_option("--port-file", serve.port_file, "Write the ports as JSON to this file when ready");
    serve_command->add_option("--log-level", log_level)->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    serve_command->add_option("--log-format", log_format)->check(CLI::IsMember({"human", "json"}));

    try {
        cli.parse(argc, argv);
        if (serve.tls_certificate.empty() != serve.tls_key.empty())
            throw CLI::ValidationError("--tls-cert", "needs --tls-key, and the other way round");
        serve.listen = parse_address(listen);
        serve.ops_listen = parse_address(ops_listen);
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
        return hub::serve(serve);
    } catch (const std::exception& e) {
        std::cerr << "codez-hub: " << e.what() << '\n';
        return 1;
    }
}
