// Lines that the real Claude Code 2.1.329 wrote, recorded against a fake API and shortened: captures/*.jsonl.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace tests {

inline std::filesystem::path captures() { return CODEZ_CAPTURES; }

inline std::vector<std::string> captured(const std::string& name) {
    std::ifstream in(captures() / (name + ".jsonl"));
    if (!in) throw std::runtime_error("no capture " + name);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

}  // namespace tests
