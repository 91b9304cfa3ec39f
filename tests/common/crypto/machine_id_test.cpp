#include "common/crypto/machine_id.hpp"

#include <gtest/gtest.h>

namespace common::crypto {
namespace {

TEST(machine_ids, are_made_of_the_key_and_read_well) {
    const auto id = machine_id_of(std::string(32, 'a'));
    EXPECT_EQ(id.size(), 26U);
    EXPECT_TRUE(id.starts_with("m_"));
    EXPECT_NE(id, machine_id_of(std::string(32, 'b')));
    EXPECT_EQ(shown_fingerprint("m_abcdefghij"), "abcd efgh ij");
    EXPECT_EQ(shown_fingerprint(""), "");
}

}  // namespace
}  // namespace common::crypto
