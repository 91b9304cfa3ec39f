#include "common/cli/auth_server_arguments.hpp"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace common::cli {
namespace {

using auth::server_kind;
using auth::server_options;
using workspaces = auth_server_arguments::workspaces;

// What was given; throws what the program would say.
server_options parse(std::vector<std::string> words, const char* authkit_url = nullptr,
                     workspaces there_are = workspaces::some) {
    CLI::App app;
    auth_server_arguments subject(there_are);
    subject.add_to(app);
    std::ranges::reverse(words);  // CLI11 takes them so
    app.parse(words);
    return subject.take(authkit_url);
}

TEST(auth_server_arguments, none_is_no_server) {
    EXPECT_EQ(parse({}).issuer, "");
    EXPECT_EQ(parse({}, "").issuer, "");
    EXPECT_THROW(parse({"--auth-any-token-type"}), CLI::ValidationError);
}

TEST(auth_server_arguments, name_a_server) {
    const auto given = parse({"--auth-server", "https://idp.example.com", "--auth-workspace-claim", "org"});
    EXPECT_EQ(given.issuer, "https://idp.example.com");
    EXPECT_EQ(given.kind, server_kind::jwt);
    EXPECT_EQ(given.workspace_claim, "org");
    EXPECT_THROW(parse({"--auth-server", "http://idp.example.com"}), CLI::ValidationError);
    EXPECT_THROW(parse({"--auth-server", "https://idp.example.com", "--auth-kind", "introspection"}),
                 CLI::ValidationError);
    EXPECT_THROW(parse({"--auth-server", "https://idp.example.com", "--auth-scope", "x"}), CLI::ValidationError);
}

TEST(auth_server_arguments, without_workspaces_name_no_claim_of_them) {
    EXPECT_THROW(
        parse({"--auth-server", "https://idp.example.com", "--auth-workspace-claim", "org"}, nullptr, workspaces::none),
        CLI::ExtrasError);
}

TEST(auth_server_arguments, an_authkit_of_the_environment_is_one_that_was_not_named) {
    const auto given =
        parse({"--auth-allow-unbound-audience", "--auth-scope", "sessions:read"}, "https://authkit.example.com");
    EXPECT_EQ(given.issuer, "https://authkit.example.com");
    EXPECT_EQ(given.kind, server_kind::authkit);
    EXPECT_EQ(given.scopes, std::vector<std::string>{"sessions:read"});
    EXPECT_THROW(parse({}, "https://authkit.example.com"), CLI::ValidationError)
        << "its risk must be accepted in words";
    EXPECT_THROW(parse({"--auth-allow-unbound-audience"}, "http://authkit.example.com"), CLI::ValidationError);
    EXPECT_EQ(parse({"--auth-server", "https://idp.example.com"}, "https://authkit.example.com").issuer,
              "https://idp.example.com");
}

}  // namespace
}  // namespace common::cli
