// The API keys of a machine that is reached directly: a file of the agent's user, keys.json, which `codez key` writes and
// the agent reads. Keys stand in it as SHA-256 only; 256 random bits need no slow hash. Blocking, a small file.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agent::direct {

inline constexpr std::string_view key_prefix = "czk_";

struct api_key {
    std::string id;  // "k_…"
    std::string name;
    std::vector<std::string> scopes;
    std::string hash;             // SHA-256 of the key, 32 bytes
    std::int64_t created_at = 0;  // milliseconds since 1970
    std::int64_t expires_at = 0;
};

struct new_key {
    api_key key;
    std::string secret;  // shown once
};

// All of the file, also those that have expired; none if it is not there. Errors are sentences.
std::expected<std::vector<api_key>, std::string> load_keys(const std::filesystem::path& file);

struct key_request {
    std::string name;
    std::vector<std::string> scopes;
    int days = 90;
};
std::expected<new_key, std::string> add_key(const std::filesystem::path& file, const key_request& asked,
                                            std::int64_t now);
std::expected<void, std::string> revoke_key(const std::filesystem::path& file, std::string_view id);

// The file as it is now: looked at before each answer, read again when it was replaced. One thread.
class live_keys {
public:
    explicit live_keys(std::filesystem::path file) : file_(std::move(file)) {}

    // Whose key it is; nullptr if nobody's, or not any more. Valid until the next call.
    const api_key* find(std::string_view secret, std::int64_t now);
    // Is the key with this id still good?
    bool is_good(std::string_view id, std::int64_t now);
    bool has_any(std::int64_t now);
    // Why the file cannot be read; empty if it can. Nobody's key is good then.
    const std::string& trouble();

private:
    struct stamp {
        std::uint64_t inode = 0;
        std::int64_t bytes = 0;
        std::int64_t changed_ns = 0;
        bool operator==(const stamp&) const = default;
    };
    void refresh();

    std::filesystem::path file_;
    std::optional<stamp> seen_;
    std::vector<api_key> keys_;
    std::string trouble_;
};

}  // namespace agent::direct
