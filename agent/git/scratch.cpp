#include "agent/git/scratch.hpp"

#include <stdlib.h>

#include <string>
#include <system_error>

namespace agent::git {

namespace fs = std::filesystem;

scratch_directory::scratch_directory(const fs::path& parent) {
    std::error_code failed;
    fs::create_directories(parent, failed);
    std::string pattern = (parent / "scratch-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
}

scratch_directory::~scratch_directory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

bool scratch_directory::keep_as(const fs::path& name) {
    std::error_code failed;
    fs::rename(path_, name, failed);
    if (!failed) path_.clear();
    return !failed;
}

}  // namespace agent::git
