// `codez setup --hub URL`: enrols this machine with a hub, by a person's word in a browser or by a join token.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/link/device_grant.hpp"
#include "agent/link/enroll.hpp"
#include "agent/paths.hpp"

namespace agent::cli {

struct setup_config {
    paths files;
    std::string hub_url;
    bool plain_http = false;          // also to a hub on another machine
    bool join = false;                // with a join token, from join_file or asked for; else a person allows it
    std::filesystem::path join_file;  // "-" is stdin; never argv: other users can read that
    std::string name;
    std::vector<std::filesystem::path> roots;  // become the policy's, if there is none yet
    std::filesystem::path ca_file;
};

// What the command does to the world; replaced in tests.
struct setup_world {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    std::function<std::optional<std::string>(std::string_view question)> ask_secret;
    std::function<std::expected<link::link_settings, std::string>(link::enroll_request, common::crypto::ed25519_key)>
        enroll;
    // A join token that a person allows in a browser.
    std::function<std::expected<std::string, std::string>(link::device_request, link::show_code)> ask_person;
};
setup_world real_setup_world();

// The exit status. A machine that is enrolled already is enrolled anew with the key that it has, and its owner is told;
// only what succeeded as a whole replaces what was there.
int setup(const setup_config& config, const setup_world& world);

}  // namespace agent::cli
