// The texts of proto/tools/*.json in the order of proto/CMakeLists.txt. Internal to the catalogue.
#pragma once

#include <string_view>
#include <vector>

namespace proto {

std::vector<std::string_view> tool_declarations();

}  // namespace proto
