// A path pattern of the policy's `deny`: what it matches, and everything below, is closed. Immutable; any thread.
//
//   /srv/secret       that directory            **/.ssh         .ssh wherever it is
//   /srv/*/keys       one component between     .ssh            the same, as in a .gitignore
//   /srv/**/keys      any number of components  config/gcloud   these two, one after the other, anywhere
//
// Letters match in either case: on some file systems they are the same name, and elsewhere denying more does no harm.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace agent {

class deny_pattern {
public:
    // The error is a sentence's end, e.g. "the pattern ~/x …".
    static std::expected<deny_pattern, std::string> parse(const std::string& text);

    // `path`: absolute and normal. Only its spelling is looked at, and that of where the pattern itself leads, if it
    // names one place through symbolic links.
    bool matches(const std::filesystem::path& path) const;

    const std::string& text() const { return text_; }

private:
    std::string text_;
    std::vector<std::string> components_;
    std::filesystem::path real_;  // where the one place that it names really is; empty if it is no such pattern
};

}  // namespace agent
