#include "agent/cli/setup.hpp"

#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include "agent/link/enroll.hpp"
#include "agent/link/link_settings.hpp"

namespace agent::cli {

namespace fs = std::filesystem;
namespace asio = boost::asio;

namespace {

int refuse(const std::string& why) {
    std::cerr << "codez setup: " << why << '\n';
    return 1;
}

std::string trimmed(std::string text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
    while (!text.empty() && is_space(text.back())) text.pop_back();
    while (!text.empty() && is_space(text.front())) text.erase(0, 1);
    return text;
}

// Asks without showing what is typed.
std::string ask_secret(const char* question) {
    std::cerr << question << std::flush;
    termios before{};
    const bool terminal = ::tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        termios silent = before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &silent);
    }
    std::string text;
    std::getline(std::cin, text);
    if (terminal) {
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
        std::cerr << '\n';
    }
    return trimmed(text);
}

std::optional<std::string> read_token(const setup_config& config) {
    fs::path file = config.join_file;
    if (file.empty())
        if (const char* from = std::getenv("CODEZ_JOIN_TOKEN_FILE")) file = from;
    if (file.empty()) return ask_secret("Join token (from `codez-hub join-token`): ");
    std::string text;
    if (file == "-") {
        std::getline(std::cin, text);
    } else {
        std::ifstream in(file);
        if (!in) return std::nullopt;
        std::getline(in, text);
    }
    return trimmed(text);
}

// The machine's key: the one there is, or a new one.
std::expected<common::crypto::ed25519_key, std::string> machine_key(const fs::path& file) {
    if (fs::exists(file)) return common::crypto::ed25519_key::load(file);
    auto key = common::crypto::ed25519_key::generate();
    if (auto saved = key.save(file); !saved) return std::unexpected(saved.error());
    return key;
}

std::string toml_string(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

// A first policy that opens the given roots. An existing one belongs to its owner and stays as it is.
std::optional<std::string> write_policy(const setup_config& config) {
    const auto file = config.files.policy_file();
    if (config.roots.empty() || fs::exists(file)) return std::nullopt;
    std::string list;
    for (const auto& root : config.roots) {
        std::error_code ec;
        const auto real = fs::canonical(root, ec);
        if (ec || !fs::is_directory(real)) return fmt::format("The root {} is not a directory.", root.string());
        list += (list.empty() ? "" : ", ") + toml_string(real.string());
    }
    std::ofstream out(file);
    out << "# What calls may do on this machine. See docs/machines.md.\nroots = [" << list << "]\n";
    return out ? std::nullopt : std::optional(fmt::format("{} cannot be written.", file.string()));
}

}  // namespace

int setup(const setup_config& config) {
    std::string hub = config.hub_url;
    while (hub.ends_with('/')) hub.pop_back();
    if (!hub.starts_with("http://") && !hub.starts_with("https://"))
        return refuse("--hub must be the hub's URL, e.g. https://hub.example.com");
    if (!config.join) return refuse("Say --join to enrol with a join token. Make one on the hub: codez-hub join-token");
    const auto token = read_token(config);
    if (!token) return refuse(fmt::format("The join token file {} cannot be read.", config.join_file.string()));
    if (!token->starts_with("czj_")) return refuse("That is no join token: it begins with czj_.");

    make_private_directories(config.files);
    if (const auto why = write_policy(config)) return refuse(*why);
    auto key = machine_key(config.files.machine_key());
    if (!key) return refuse(key.error());

    std::expected<link::link_settings, std::string> enrolled = std::unexpected("The enrolment did not finish.");
    asio::io_context context(1);
    link::enroll_request request{hub, *token, config.name, config.ca_file.string()};
    asio::co_spawn(context, link::enroll(std::move(request), *key),
                   [&](std::exception_ptr e, std::expected<link::link_settings, std::string> result) {
                       if (e) std::rethrow_exception(e);
                       enrolled = std::move(result);
                   });
    context.run();
    if (!enrolled) return refuse(enrolled.error());
    if (const auto saved = link::save_link_settings(config.files.link_file(), *enrolled); !saved) return refuse(saved.error());
    std::cout << fmt::format("This machine is enrolled as {} ({}).\nStart its agent: codez agent\n", enrolled->machine_name,
                             enrolled->machine_id);
    return 0;
}

}  // namespace agent::cli
