// A directory for what is needed only meanwhile; gone at the end. Blocking.
#pragma once

#include <filesystem>

namespace agent::git {

class scratch_directory {
public:
    // Under `parent`, which is made. path() is empty if that failed.
    explicit scratch_directory(const std::filesystem::path& parent);
    ~scratch_directory();
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;

    const std::filesystem::path& path() const { return path_; }
    // It stays, under that name. False: it could not be renamed.
    bool keep_as(const std::filesystem::path& name);

private:
    std::filesystem::path path_;
};

}  // namespace agent::git
