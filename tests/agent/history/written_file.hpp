// Files for the history's tests: those captured from Claude Code, and a directory to write others in.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace agent::history::test {

inline std::filesystem::path fixture(const std::string& name) {
    return std::filesystem::path(CODEZ_TRANSCRIPTS) / name;
}

// Gone with its content at the end.
class written_files {
public:
    written_files() {
        std::string name = (std::filesystem::temp_directory_path() / "codez-history-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
        path_ = name;
    }
    ~written_files() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    written_files(const written_files&) = delete;
    written_files& operator=(const written_files&) = delete;

    const std::filesystem::path& path() const { return path_; }

    std::filesystem::path write(const std::string& name, const std::string& content) const {
        const auto file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << content;
        return file;
    }

private:
    std::filesystem::path path_;
};

}  // namespace agent::history::test
