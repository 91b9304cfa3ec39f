// Runs a target over every file of the corpora given: what fuzzing has found stays tested in every build. Each input is
// also run cut short, since half an input is the commonest bad one.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "tests/fuzz/fuzz.hpp"

int main(int argc, char** argv) {
    int files = 0;
    for (int i = 1; i < argc; ++i)
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            std::ifstream in(entry.path(), std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(in), {}};
            fuzz::run(bytes);
            for (std::size_t n = 0; n < bytes.size(); n += 1 + bytes.size() / 64) fuzz::run(bytes.substr(0, n));
            ++files;
        }
    std::cout << files << " inputs\n";
    return files > 0 ? 0 : 1;
}
