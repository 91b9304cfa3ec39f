// Files given to sessions: copies of their own, images shown as long as they fit, bounded, and gone after a month.
#include "agent/uploads/attachments.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/common/db/database_test.hpp"

namespace agent::uploads {
namespace {

namespace fs = std::filesystem;
using proto::error_code;

class attachments_test : public testing::Test {
protected:
    attachments_test() { fs::create_directories(directory_.path() / "uploads"); }
    ~attachments_test() override { pool_.stop(); }

    upload make(const std::string& id, std::uint64_t bytes, const std::string& type) {
        upload u{id, "o", "n.x", bytes, "", type, 0};
        std::ofstream(spool_.file_of(u)) << std::string(std::min<std::uint64_t>(bytes, 100), 'x');
        return u;
    }
    proto::result<std::vector<attachment>> add(std::vector<upload> files) {
        attachments subject(pool_, directory_.path(), {[this] { return now_; }, 1000});
        boost::asio::io_context io;
        proto::result<std::vector<attachment>> out;
        boost::asio::co_spawn(io, subject.add("s1", std::move(files), spool_),
                              [&](const std::exception_ptr& thrown, auto r) {
                                  EXPECT_FALSE(thrown);
                                  out = std::move(r);
                              });
        io.run();
        return out;
    }

    tests::temporary_directory directory_;
    std::int64_t now_ = std::int64_t{::time(nullptr)} * 1000;
    common::async::blocking_pool pool_{1, 64};
    spool spool_{pool_, directory_.path() / "uploads", {[] { return std::int64_t{0}; }}};
};

TEST_F(attachments_test, are_copies_that_stay_when_the_upload_goes) {
    const auto one = make("up_a", 50, "text/plain");
    const auto made = add({one});
    ASSERT_TRUE(made) << made.error().message;
    const auto path = directory_.path() / "attachments" / "s1" / "up_a" / "n.x";
    EXPECT_EQ(made->at(0).path, path);
    EXPECT_FALSE(made->at(0).shown);
    fs::remove(spool_.file_of(one));
    EXPECT_EQ(fs::file_size(path), 50U);
    EXPECT_TRUE(add({one})) << "again is as it was";
    EXPECT_EQ(fs::status(directory_.path() / "attachments").permissions(), fs::perms::owner_all);
}

TEST_F(attachments_test, images_are_shown_as_long_as_they_fit) {
    attachments roomy(pool_, directory_.path(), {[this] { return now_; }});
    constexpr auto most = proto::limits::image_bytes_max;
    std::vector<upload> files{make("up_1", most, "image/png"), make("up_2", most + 1, "image/png"),
                              make("up_3", most, "image/gif"), make("up_4", 10, "image/webp"),
                              make("up_5", 10, "application/pdf")};
    boost::asio::io_context io;
    std::vector<bool> shown;
    boost::asio::co_spawn(io, roomy.add("s1", files, spool_), [&](const std::exception_ptr&, auto r) {
        if (r)
            for (const auto& one : *r) shown.push_back(one.shown);
    });
    io.run();
    EXPECT_EQ(shown, (std::vector<bool>{true, false, false, true, false}));
}

TEST_F(attachments_test, all_together_are_bounded_and_old_ones_go) {
    for (int i = 0; i < 9; ++i) EXPECT_TRUE(add({make("up_" + std::to_string(i), 100, "text/plain")})) << i;
    const auto refused = add({make("up_x", 200, "text/plain")});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, error_code::resource_exhausted);
    EXPECT_NE(refused.error().hint.find("attachments"), std::string::npos);
    now_ += proto::limits::attachment_keep_ms + 60'000;
    EXPECT_TRUE(add({make("up_x", 200, "text/plain")}));
    EXPECT_FALSE(fs::exists(directory_.path() / "attachments" / "s1" / "up_0" / "n.x"));
}

TEST_F(attachments_test, an_upload_that_is_gone_is_said) {
    upload gone{"up_gone", "o", "n", 1, "", "text/plain", 0};
    EXPECT_FALSE(add({gone}));
}

}  // namespace
}  // namespace agent::uploads
