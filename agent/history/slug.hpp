// The folder name under <config>/projects that Claude Code uses for a working directory, as measured (claude-cli.md §4).
// Pure; not invertible.
#pragma once

#include <string>
#include <string_view>

namespace agent::history {

// `path` is a real path in UTF-8. Each UTF-16 code unit other than [A-Za-z0-9] becomes '-'; beyond 200 units the rest is
// replaced by a hash. Invalid UTF-8 counts as U+FFFD per broken byte.
std::string project_slug(std::string_view path);

// May this be a slug, i.e. is it safe as one path component?
bool is_slug(std::string_view slug);

}  // namespace agent::history
