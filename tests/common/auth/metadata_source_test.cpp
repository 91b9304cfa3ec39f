#include "common/auth/metadata_source.hpp"

#include "tests/common/auth/fake_server.hpp"

namespace {
using namespace common::auth;
using namespace std::chrono_literals;

class metadata_sources : public test::fake_server {
protected:
    auto find() { return run(source_.find()); }
    metadata_source source_{io_.get_executor(), issuer, access()};
};

TEST_F(metadata_sources, ask_once_an_hour) {
    publish_metadata({{"token_endpoint", "https://as.example/one"}});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(find()->token_endpoint, "https://as.example/one");
    EXPECT_EQ(asked_.size(), 1U);
    publish_metadata({{"token_endpoint", "https://as.example/two"}});
    pass(3599s);
    EXPECT_EQ(find()->token_endpoint, "https://as.example/one");
    pass(1s);
    EXPECT_EQ(find()->token_endpoint, "https://as.example/two");
}

TEST_F(metadata_sources, keep_what_they_have_while_the_server_is_down) {
    publish_metadata({{"token_endpoint", "https://as.example/one"}});
    ASSERT_TRUE(find());
    down_ = true;
    pass(2h);
    EXPECT_EQ(find()->token_endpoint, "https://as.example/one");
}

TEST_F(metadata_sources, ask_a_server_that_is_down_every_ten_seconds) {
    down_ = true;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(find().error(), "It is down.");
    EXPECT_EQ(asked_.size(), 1U);
    down_ = false;
    publish_metadata({{"token_endpoint", "https://as.example/one"}});
    EXPECT_FALSE(find());
    pass(10s);
    EXPECT_TRUE(find());
}

}  // namespace
