// A rule about uses of tools, in Claude Code's own words: `Tool` or `Tool(pattern)`. Immutable.
//
//   Write               every use of the tool; * in the name stands for anything: mcp__github__*
//   Bash(npm test)      that command             Bash(npm view *)   * stands for anything; also `npm view` alone
//   Edit(src/**)        files below src of the session's directory; an absolute path is meant as it is
//   WebFetch(domain:example.com)
//
// A rule that forbids must catch too much rather than too little, one that permits the other way round, so there are two
// questions. What claude runs on the way (a script, a makefile) no rule sees.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace agent {

struct tool_use {
    const std::string& tool;
    const nlohmann::json& input;
    const std::filesystem::path& cwd;  // the session's
};

class tool_rule {
public:
    // The error is a sentence's end: "the rule X …".
    static std::expected<tool_rule, std::string> parse(const std::string& text);

    // Certainly this, and nothing besides: * matches no shell operator, a path also where its links lead.
    bool permits(const tool_use& use) const;
    // Perhaps this among other things: also one command of several, a path by either name.
    bool concerns(const tool_use& use) const;

    const std::string& text() const { return text_; }
    // The same in the spelling of claude's settings, where an absolute path begins with //.
    std::string for_claude() const;

private:
    enum class subject { any, command, path, domain };

    std::string text_;
    std::string tool_;
    subject subject_ = subject::any;
    std::string pattern_;
};

// Text as a pattern that stands for itself only.
std::string escaped_pattern(const std::string& text);

}  // namespace agent
