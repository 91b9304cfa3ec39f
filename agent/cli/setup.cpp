#include "agent/cli/setup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "agent/cli/secret_prompt.hpp"
#include "agent/link/hub_url.hpp"
#include "agent/state_lock.hpp"
#include "common/crypto/machine_id.hpp"

namespace agent::cli {

namespace fs = std::filesystem;
namespace asio = boost::asio;

namespace {

template <class T>
using result = std::expected<T, std::string>;

using common::crypto::machine_id_of;

result<std::string> read_token(const setup_config& config, const setup_world& world) {
    fs::path file = config.join_file;
    if (file.empty())
        if (const char* from = std::getenv("CODEZ_JOIN_TOKEN_FILE")) file = from;
    std::string token;
    if (file.empty()) {
        auto typed = world.ask_secret("Join token (from `codez-hub join-token`): ");
        if (!typed) return std::unexpected("No join token was given.");
        token = std::move(*typed);
    } else if (file == "-") {
        token = first_line(world.in);
    } else {
        std::ifstream in(file);
        if (!in)
            return std::unexpected(
                fmt::format("The join token file {} cannot be read: {}.", file.string(), std::strerror(errno)));
        struct stat info{};
        if (::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 077) != 0)
            world.err << fmt::format(
                "codez setup: others can read {}: whoever did may use the join token before you.\n", file.string());
        token = first_line(in);
    }
    if (!token.starts_with("czj_"))
        return std::unexpected("That is no join token: it begins with czj_. Make one on the hub: codez-hub join-token");
    return token;
}

result<std::string> ask_person(link::device_request request, const setup_world& world) {
    const std::string fingerprint = common::crypto::shown_fingerprint(request.machine_id);
    return world.ask_person(std::move(request), [&](const link::device_prompt& prompt) {
        world.out << fmt::format(
            "To add this machine, open {} in a browser, on any device, and type the code:\n\n    {}\n\n", prompt.url,
            prompt.code);
        if (!prompt.complete_url.empty()) world.out << fmt::format("or open {}\n", prompt.complete_url);
        world.out << fmt::format("The page must show the same key as here: {}\nWaiting …\n", fingerprint) << std::flush;
    });
}

// The machine's key: the one there is, or a new one.
result<common::crypto::ed25519_key> machine_key(const fs::path& file) {
    std::error_code ec;
    if (fs::exists(fs::symlink_status(file, ec))) return common::crypto::ed25519_key::load(file);
    auto key = common::crypto::ed25519_key::generate();
    if (auto saved = key.save(file); !saved) return std::unexpected(saved.error());
    return key;
}

bool is_plain(const std::string& text) {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(text, control)) return false;
    try {
        std::ignore = nlohmann::json(text).dump();  // throws where it is not UTF-8
        return true;
    } catch (const nlohmann::json::exception&) {
        return false;
    }
}

// A first policy that opens the given roots; empty without any.
result<std::string> policy_text(const std::vector<fs::path>& roots) {
    std::string list;
    for (const auto& root : roots) {
        std::error_code ec;
        const auto real = fs::canonical(root, ec);
        if (ec || !fs::is_directory(real, ec))
            return std::unexpected(fmt::format("The root {} is not a directory.", root.string()));
        if (!is_plain(real.string()))
            return std::unexpected(fmt::format(
                "The root {} cannot be written into agent.toml: its name has control characters or is not UTF-8.",
                root.string()));
        list += list.empty() ? "\"" : ", \"";
        for (const char c : real.string()) {
            if (c == '"' || c == '\\') list += '\\';
            list += c;
        }
        list += '"';
    }
    if (list.empty()) return std::string();
    return "# What calls may do on this machine. See docs/machines.md.\nroots = [" + list + "]\n";
}

// False: it is there already, and belongs to its owner.
result<bool> write_policy(const fs::path& file, const std::string& text) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST) return false;
    bool written =
        fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (written) return true;
    const int reason = errno;
    if (fd >= 0) ::unlink(file.c_str());  // half a policy would keep the agent from starting
    return std::unexpected(fmt::format("{} cannot be written: {}.", file.string(), std::strerror(reason)));
}

// What the person should know of the enrolment that is about to be replaced; empty without one.
std::string of_before(const fs::path& file) {
    std::error_code ec;
    if (!fs::exists(file, ec)) return {};
    const auto before = link::load_link_settings(file);
    if (!before) return fmt::format("{} is damaged and will be replaced.", file.string());
    return fmt::format("This machine is enrolled with {} as {} ({}). It is enrolled anew, with the key that it has.",
                       before->hub_url, before->machine_name, before->machine_id);
}

result<void> enrol(const setup_config& config, const setup_world& world) {
    auto hub = link::hub_origin(config.hub_url,
                                config.plain_http ? link::plain_http::anywhere : link::plain_http::on_this_machine);
    if (!hub) return std::unexpected(hub.error());
    auto policy = policy_text(config.roots);
    if (!policy) return std::unexpected(policy.error());

    make_private_directories(config.files);
    const auto lock = state_lock::take(config.files.state);
    if (!lock)
        return std::unexpected(
            fmt::format("A codez agent runs on {}. Stop it, enrol, and start it again: it would "
                        "overwrite the new enrolment with its own.",
                        config.files.state.string()));
    if (const auto before = of_before(config.files.link_file()); !before.empty())
        world.err << "codez setup: " << before << '\n';
    // The agent may be started elsewhere.
    const auto ca_file = config.ca_file.empty() ? fs::path() : fs::absolute(config.ca_file);
    auto key = machine_key(config.files.machine_key());
    if (!key) return std::unexpected(key.error());
    const auto token = config.join
                           ? read_token(config, world)
                           : ask_person({*hub, ca_file.string(), config.name, machine_id_of(key->public_key())}, world);
    if (!token) return std::unexpected(token.error());
    const auto enrolled = world.enroll({*hub, *token, config.name, ca_file.string()}, *key);
    if (!enrolled) return std::unexpected(enrolled.error());
    if (auto saved = link::save_link_settings(config.files.link_file(), *enrolled); !saved) return saved;
    world.out << fmt::format("This machine is enrolled as {} ({}).\n", enrolled->machine_name, enrolled->machine_id);

    if (!policy->empty()) {
        const auto written = write_policy(config.files.policy_file(), *policy);
        if (!written) return std::unexpected(written.error());
        if (!*written)
            world.err << fmt::format(
                "codez setup: {} is there already and stays as it is: no root was added. Edit `roots` in it.\n",
                config.files.policy_file().string());
    }
    world.out << "Start its agent: codez agent\n";
    return {};
}

// Runs it to its end.
template <class T>
result<T> wait_for(asio::awaitable<result<T>> work) {
    result<T> done = std::unexpected("It did not finish.");
    asio::io_context context(1);
    asio::co_spawn(context, std::move(work), [&](std::exception_ptr e, result<T> outcome) {
        if (e) std::rethrow_exception(e);
        done = std::move(outcome);
    });
    context.run();
    return done;
}

result<link::link_settings> enroll_now(link::enroll_request request, common::crypto::ed25519_key key) {
    return wait_for(link::enroll(std::move(request), std::move(key)));
}

result<std::string> ask_person_now(link::device_request request, link::show_code show) {
    return wait_for(link::ask_person(std::move(request), std::move(show)));
}

}  // namespace

setup_world real_setup_world() { return {std::cin, std::cout, std::cerr, ask_secret, enroll_now, ask_person_now}; }

int setup(const setup_config& config, const setup_world& world) {
    const auto done = enrol(config, world);
    if (done) return 0;
    world.err << "codez setup: " << done.error() << '\n';
    return 1;
}

}  // namespace agent::cli
