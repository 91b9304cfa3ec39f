// A git repository as a person would make it, in a directory of its own.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "agent/git/diff.hpp"
#include "tests/agent/events/log_fixture.hpp"

namespace agent::git::test {

class git_test : public ::testing::Test {
protected:
    git_test() {
        std::filesystem::create_directories(tree());
        sh("git init -q -b main . && git config user.name ada && git config user.email ada@example.org");
        write("kept.txt", "one\ntwo\nthree\n");
        write("gone.txt", "to be removed\n");
        write(".gitignore", "ignored/\n");
        sh("git add -A && git commit -q -m first");
    }

    std::filesystem::path home() const { return std::filesystem::canonical(directory_.path()); }
    std::filesystem::path tree() const { return home() / "tree"; }
    std::filesystem::path state() const { return home() / "state"; }

    // In the work tree, without what the person who runs the tests has configured.
    void sh(const std::string& command) {
        const std::string line = "cd '" + tree().string() + "' && export HOME='" + home().string() +
                                 "' GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null && " + command;
        ASSERT_EQ(std::system(line.c_str()), 0) << command;
    }
    void write(const std::string& name, const std::string& text) {
        std::filesystem::create_directories((tree() / name).parent_path());
        std::ofstream(tree() / name, std::ios::binary) << text;
    }
    // A program that tells that it was run.
    std::string trap() {
        std::ofstream(home() / "trap") << "#!/bin/sh\ntouch '" << (home() / "sprung").string() << "'\ncat\n";
        ::chmod((home() / "trap").c_str(), 0755);
        return (home() / "trap").string();
    }
    bool sprung() const { return std::filesystem::exists(home() / "sprung"); }

    static deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(60); }
    static bool all_open(const std::filesystem::path&) { return true; }

    diff_bases bases() const { return diff_bases(state()); }
    void record() { bases().record("s", tree(), all_open, soon()); }
    difference compare(diff_request request = {}) {
        if (request.directory.empty()) request.directory = tree();
        auto out = bases().compare("s", request, all_open, soon());
        EXPECT_TRUE(out) << out.error().message;
        return out ? std::move(*out) : difference();
    }
    // "M kept.txt +1-0", one after the other.
    static std::string told(const difference& d) {
        std::string out;
        for (const auto& file : d.files) {
            out += file.status + std::string(" ") + (file.old_path.empty() ? "" : file.old_path + ">") + file.path;
            if (file.additions) out += " +" + std::to_string(*file.additions) + "-" + std::to_string(*file.deletions);
            out += "; ";
        }
        return out;
    }

    events::test::temporary_directory directory_;
};

}  // namespace agent::git::test
