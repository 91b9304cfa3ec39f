#include "hub/refuse.hpp"

#include <algorithm>
#include <iostream>

namespace hub {

int refuse(std::string why) {
    // What libraries say may have several lines.
    std::ranges::replace_if(why, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    why.erase(std::ranges::unique(why, [](char a, char b) { return a == ' ' && b == ' '; }).begin(), why.end());
    while (why.ends_with(' ')) why.pop_back();
    std::cerr << "codez-hub: " << why << '\n';
    return 1;
}

}  // namespace hub
