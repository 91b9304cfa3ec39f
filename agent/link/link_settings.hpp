// What enrolment left on the machine: where its hub is, which keys that hub has, how far the link counter is.
// link.json, 0600, replaced atomically and synced: the counter must be on the disk before it is used (clone detection).
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "agent/paths.hpp"
#include "common/crypto/ed25519_key.hpp"

namespace agent::link {

struct link_settings {
    std::string hub_url;  // the origin, e.g. "https://hub.example.com": also what is signed
    std::string machine_id;
    std::string machine_name;
    std::string workspace_id;
    std::map<std::string, std::string> hub_keys;  // kid → 32 raw bytes, pinned at enrolment
    std::string ca_file;                          // PEM of a private authority, or empty
    std::uint64_t link_counter = 0;
    std::int64_t epoch = 0;
};

// Errors are sentences that name the file.
std::expected<link_settings, std::string> load_link_settings(const std::filesystem::path& file);
std::expected<void, std::string> save_link_settings(const std::filesystem::path& file, const link_settings& settings);

// Of this machine, with its key.
struct enrolment {
    link_settings settings;
    common::crypto::ed25519_key key;
};

// nullopt: it is not enrolled.
std::expected<std::optional<enrolment>, std::string> load_enrolment(const paths& files);

}  // namespace agent::link
