#include "common/cli/port_file.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace common::cli {
namespace {

TEST(port_file, is_there_whole_or_not_at_all) {
    const std::filesystem::path directory = testing::TempDir() + "codez-port-file";
    std::filesystem::create_directories(directory);
    const auto file = directory / "ports";
    EXPECT_TRUE(write_port_file(file, {{"port", 1}}));
    EXPECT_TRUE(write_port_file(file, {{"port", 4096}})) << "over the one of the last start";
    std::ifstream in(file);
    EXPECT_EQ(std::string(std::istreambuf_iterator(in), {}), "{\"port\":4096}\n");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1) << "nothing else is left";
    std::filesystem::remove_all(directory);
    EXPECT_EQ(write_port_file(file, {{"port", 1}}).error(), "The port file " + file.string() + " cannot be written.");
    EXPECT_TRUE(write_port_file({}, {{"port", 1}})) << "nobody asked for one";
}

}  // namespace
}  // namespace common::cli
