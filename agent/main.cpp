// codez: everything on a machine. Parses the command line, nothing else.

#include <cstdlib>
#include <cstring>
#include <iostream>

#include <CLI/CLI.hpp>

#include "agent/app.hpp"
#include "agent/cli/audit.hpp"
#include "agent/cli/direct_arguments.hpp"
#include "agent/cli/key.hpp"
#include "agent/cli/setup.hpp"
#include "agent/hold/hold_main.hpp"
#include "common/net/web_origin.hpp"

namespace {

void add_directories(CLI::App* command, std::string& home) {
    command->add_option("--home", home, "Keep all files under this directory instead of the XDG directories")
        ->envname("CODEZ_HOME");
}

agent::paths paths_for(const std::string& home) {
    if (home.empty()) return agent::default_paths(agent::process_environment());
    const auto root = std::filesystem::absolute(home);
    return {root / "config", root / "state"};
}

}  // namespace

int main(int argc, char** argv) {
    // The holder of one session: started by the agent only, small and without everything below.
    if (argc == 2 && std::strcmp(argv[1], "hold") == 0) return agent::hold::hold_main();

    CLI::App cli("codez: runs Claude Code sessions on this machine for its callers.");
    cli.set_version_flag("--version", CODEZ_VERSION);
    cli.require_subcommand(1);
    std::string home;

    agent::cli::setup_config setup;
    auto* setup_command = cli.add_subcommand("setup", "Enrol this machine with a hub.");
    add_directories(setup_command, home);
    setup_command->add_option("--hub", setup.hub_url, "The hub's URL")->required();
    setup_command->add_flag("--join", setup.join,
                            "Enrol with a join token, which is asked for, instead of by a browser");
    setup_command->add_option("--join-file", setup.join_file,
                              "Read the join token from this file, or from stdin with -");
    setup_command->add_flag(
        "--plain-http", setup.plain_http,
        "Take an http:// URL of a hub on another machine: everybody on the way can read what is sent");
    setup_command->add_option("--name", setup.name, "The machine's name; without it the host name");
    setup_command->add_option(
        "--root", setup.roots,
        "Directory that sessions may run in; repeatable. Written to agent.toml if that is not there yet");
    setup_command->add_option("--ca-file", setup.ca_file,
                              "PEM file of the authority that signed the hub's certificate");

    agent::agent_config run;
    std::string log_level = "info";
    std::string log_format = "human";
    auto* agent_command = cli.add_subcommand("agent", "Run this machine's agent.");
    add_directories(agent_command, home);
    agent_command
        ->add_option("--local-port", run.local_port, "Port of http://127.0.0.1:PORT/mcp, for clients on this machine")
        ->capture_default_str();
    agent_command->add_option("--allow-origin", run.allowed_origins,
                              "Origin of web pages that may call it, e.g. http://localhost:6274; repeatable");
    agent_command->add_option("--port-file", run.port_file, "Write the ports as JSON to this file when ready");
    agent_command->add_option("--log-level", log_level)->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    agent_command->add_option("--log-format", log_format)->check(CLI::IsMember({"human", "json"}));

    agent::cli::direct_arguments direct;
    direct.add_to(*agent_command);

    agent::cli::key_config key;
    auto* key_command =
        cli.add_subcommand("key", "API keys for who reaches this machine directly: codez agent --listen.");
    key_command->require_subcommand(1);
    auto* new_key_command = key_command->add_subcommand("new", "Make a key; printed once.");
    add_directories(new_key_command, home);
    new_key_command->add_option("name", key.name, "What the key is for")->required();
    new_key_command->add_option("--scope", key.scopes, "What it may (mcp:tools), e.g. sessions:read; repeatable");
    new_key_command->add_option("--days", key.days, "It is good for so many days")
        ->capture_default_str()
        ->check(CLI::Range(1, 365));
    auto* list_keys_command = key_command->add_subcommand("list", "List the keys, without the secrets.");
    add_directories(list_keys_command, home);
    auto* revoke_key_command = key_command->add_subcommand("revoke", "Revoke a key, within a second.");
    add_directories(revoke_key_command, home);
    revoke_key_command->add_option("id", key.id, "Id of the key; see list")->required();
    for (auto* command : {new_key_command, list_keys_command, revoke_key_command})
        command->add_flag("--json", key.json, "Print JSON");

    agent::cli::audit_config audit;
    auto* audit_command = cli.add_subcommand("audit", "Print who called what on this machine, and what was refused.");
    add_directories(audit_command, home);
    audit_command->add_option("--since", audit.since, "Only what is newer: 90m, 24h, 7d");
    audit_command->add_option("--session", audit.session, "Only what is about this session");
    audit_command->add_flag("--refused", audit.refused, "Only what was refused");
    audit_command->add_option("--limit", audit.limit, "The newest so many")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    audit_command->add_flag("--json", audit.json, "Print JSON");

    try {
        cli.parse(argc, argv);
        for (const auto& origin : run.allowed_origins)
            if (!common::net::is_web_origin(origin))
                throw CLI::ValidationError("--allow-origin",
                                           "must be of the form http://localhost:6274, without a path");
        if (agent_command->parsed()) run.direct = direct.take(std::getenv("AUTHKIT_URL"));
    } catch (const CLI::ParseError& e) {
        return cli.exit(e);
    }
    try {
        if (setup_command->parsed()) {
            setup.files = paths_for(home);
            setup.join = setup.join || !setup.join_file.empty();
            return agent::cli::setup(setup, agent::cli::real_setup_world());
        }
        if (audit_command->parsed()) {
            audit.files = paths_for(home);
            return agent::cli::audit(audit, std::cout, std::cerr);
        }
        if (key_command->parsed()) {
            key.files = paths_for(home);
            if (new_key_command->parsed()) return agent::cli::new_key(key, std::cout, std::cerr);
            if (list_keys_command->parsed()) return agent::cli::list_keys(key, std::cout, std::cerr);
            return agent::cli::revoke_key(key, std::cout, std::cerr);
        }
        run.files = paths_for(home);
        run.log_level = *common::log::parse_level(log_level);
        run.log_format = *common::log::parse_format(log_format);
        return agent::run_agent(run);
    } catch (const std::exception& e) {
        std::cerr << "codez: " << e.what() << '\n';
        return 1;
    }
}
