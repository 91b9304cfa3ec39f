// A directory of its own for a test's keys.json.
#pragma once

#include <stdlib.h>

#include <filesystem>

#include <gtest/gtest.h>

namespace agent::direct::test {

class keys_directory : public testing::Test {
protected:
    keys_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "codez-keys-XXXXXX").string();
        directory_ = ::mkdtemp(name.data());
        file_ = directory_ / "keys.json";
    }
    ~keys_directory() override { std::filesystem::remove_all(directory_); }

    std::filesystem::path directory_;
    std::filesystem::path file_;
};

}  // namespace agent::direct::test
