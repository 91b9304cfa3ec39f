#include "agent/git/place.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

namespace agent::git {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        out.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

}  // namespace

proto::result<place> find_place(const std::filesystem::path& directory, deadline until) {
    command look;
    look.directory = directory;
    look.arguments = {"rev-parse",          "--path-format=absolute", "--show-toplevel",
                      "--absolute-git-dir", "--git-common-dir",       "--show-object-format"};
    auto found = run(look, until);
    if (!found) return std::unexpected(std::move(found.error()));
    const auto lines = lines_of(found->output);
    if (found->status != 0 && found->errors.find("dubious ownership") != std::string::npos)
        return proto::fail(
            proto::error_code::invalid_argument,
            fmt::format("git does not trust the repository at {}: it belongs to another user.", directory.string()),
            "Let the repository belong to the agent's user.");
    if (found->status != 0 || lines.size() != 4)
        return proto::fail(proto::error_code::invalid_argument,
                           fmt::format("{} is not in a git work tree.", directory.string()),
                           "This works for sessions in a git repository only.");
    place out{lines[0], lines[1], lines[2], lines[3], {}};
    look.arguments = {"rev-parse", "--verify", "--quiet", "HEAD^{commit}"};
    auto head = run(look, until);
    if (!head) return std::unexpected(std::move(head.error()));
    if (head->status == 0 && !head->output.empty()) out.head = head->output.substr(0, head->output.find('\n'));
    return out;
}

}  // namespace agent::git
