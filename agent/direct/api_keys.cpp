#include "agent/direct/api_keys.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/private_file.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/secret.hpp"
#include "proto/principal.hpp"

namespace agent::direct {

namespace fs = std::filesystem;
using common::crypto::sha256;
using nlohmann::json;

namespace {

constexpr std::size_t keys_max = 64;
constexpr std::size_t name_bytes_max = 100;
constexpr std::size_t file_bytes_max = 1 << 20;
constexpr std::int64_t day_ms = 24LL * 3600 * 1000;

bool is_name(std::string_view text) {
    const auto is_plain = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; };
    return !text.empty() && text.size() <= name_bytes_max && std::ranges::all_of(text, is_plain);
}

bool is_scope(std::string_view scope) {
    proto::principal anybody;
    anybody.scopes = {"mcp:tools"};
    return anybody.has_scope(scope);
}

std::optional<std::vector<api_key>> parse(const std::string& text) {
    const auto document = json::parse(text, nullptr, false);
    std::vector<api_key> keys;
    try {
        for (const auto& one : document.at("keys")) {
            api_key key;
            one.at("id").get_to(key.id);
            one.at("name").get_to(key.name);
            one.at("scopes").get_to(key.scopes);
            one.at("created_at").get_to(key.created_at);
            one.at("expires_at").get_to(key.expires_at);
            auto hash = common::crypto::hex_decode(one.at("sha256").get<std::string>());
            if (!hash || hash->size() != 32 || key.id.empty()) return std::nullopt;
            key.hash = std::move(*hash);
            keys.push_back(std::move(key));
        }
    } catch (const json::exception&) {
        return std::nullopt;
    }
    return keys;
}

std::string text_of(const std::vector<api_key>& keys) {
    json list = json::array();
    for (const auto& key : keys)
        list.push_back({{"id", key.id},
                        {"name", key.name},
                        {"scopes", key.scopes},
                        {"sha256", common::crypto::hex_encode(key.hash)},
                        {"created_at", key.created_at},
                        {"expires_at", key.expires_at}});
    return json{{"keys", std::move(list)}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

// Two `codez key` at once must not lose each other's change.
class file_lock {
public:
    explicit file_lock(const fs::path& file)
        : fd_(::open((file.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
        held = fd_ >= 0 && ::flock(fd_, LOCK_EX) == 0;
    }
    ~file_lock() {
        if (fd_ >= 0) ::close(fd_);
    }
    file_lock(const file_lock&) = delete;
    file_lock& operator=(const file_lock&) = delete;

    bool held = false;

private:
    int fd_;
};

using change = std::function<std::expected<void, std::string>(std::vector<api_key>&)>;

std::expected<void, std::string> change_keys(const fs::path& file, const change& how) {
    const file_lock lock(file);
    if (!lock.held) return std::unexpected(fmt::format("{}.lock cannot be taken.", file.string()));
    auto keys = load_keys(file);
    if (!keys) return std::unexpected(std::move(keys.error()));
    if (auto done = how(*keys); !done) return done;
    return save_private_file(file, text_of(*keys));
}

}  // namespace

std::expected<std::vector<api_key>, std::string> load_keys(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        std::error_code ec;
        if (!fs::exists(file, ec) && !ec) return std::vector<api_key>();
        return std::unexpected(fmt::format("{} cannot be read.", file.string()));
    }
    std::string text(file_bytes_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (auto keys = parse(text)) return std::move(*keys);
    return std::unexpected(
        fmt::format("{} is damaged. Remove it, and make new keys: codez key new NAME", file.string()));
}

std::expected<new_key, std::string> add_key(const fs::path& file, const key_request& asked, std::int64_t now) {
    if (!is_name(asked.name))
        return std::unexpected("The key's name is empty, longer than 100 bytes, or not plain text.");
    for (const auto& scope : asked.scopes)
        if (!is_scope(scope))
            return std::unexpected(fmt::format("There is no scope {}. docs/tools.md tells which there are.", scope));
    new_key made{
        {"k_" + common::crypto::random_token(16), asked.name, asked.scopes, {}, now, now + asked.days * day_ms},
        common::crypto::new_secret(key_prefix)};
    if (made.key.scopes.empty()) made.key.scopes = {"mcp:tools"};
    made.key.hash = sha256(made.secret);
    auto done = change_keys(file, [&](std::vector<api_key>& keys) -> std::expected<void, std::string> {
        std::erase_if(keys, [now](const api_key& key) { return key.expires_at <= now; });
        if (keys.size() >= keys_max)
            return std::unexpected(
                fmt::format("There are {} keys. Revoke some first: codez key revoke ID", keys.size()));
        keys.push_back(made.key);
        return {};
    });
    if (!done) return std::unexpected(std::move(done.error()));
    return made;
}

std::expected<void, std::string> revoke_key(const fs::path& file, std::string_view id) {
    return change_keys(file, [id](std::vector<api_key>& keys) -> std::expected<void, std::string> {
        if (std::erase_if(keys, [id](const api_key& key) { return key.id == id; }) == 0)
            return std::unexpected("There is no key with that id. See: codez key list");
        return {};
    });
}

void live_keys::refresh() {
    struct stat is{};
    if (::stat(file_.c_str(), &is) != 0) is = {};
    const stamp now{is.st_ino, is.st_size, is.st_mtim.tv_sec * 1'000'000'000LL + is.st_mtim.tv_nsec};
    if (seen_ == now && trouble_.empty()) return;
    seen_ = now;
    auto read = load_keys(file_);
    trouble_ = read ? std::string() : read.error();
    keys_ = read ? std::move(*read) : std::vector<api_key>();
}

const api_key* live_keys::find(std::string_view secret, std::int64_t now) {
    refresh();
    if (!common::crypto::looks_like(key_prefix, secret)) return nullptr;
    const std::string hash = sha256(secret);
    const api_key* found = nullptr;
    for (const auto& key : keys_)
        if (common::crypto::constant_time_equal(key.hash, hash) && key.expires_at > now) found = &key;
    return found;
}

bool live_keys::is_good(std::string_view id, std::int64_t now) {
    refresh();
    return std::ranges::any_of(keys_, [&](const api_key& key) { return key.id == id && key.expires_at > now; });
}

bool live_keys::has_any(std::int64_t now) {
    refresh();
    return std::ranges::any_of(keys_, [now](const api_key& key) { return key.expires_at > now; });
}

const std::string& live_keys::trouble() {
    refresh();
    return trouble_;
}

}  // namespace agent::direct
