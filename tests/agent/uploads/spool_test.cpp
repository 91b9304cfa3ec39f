// Uploads on the disk: whole or not at all, their owner's only, bounded, and gone in time.
#include "agent/uploads/spool.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "tests/common/db/database_test.hpp"

namespace agent::uploads {
namespace {

namespace fs = std::filesystem;
using proto::error_code;

// Gives these pieces; then nothing, or an error.
class pieces final : public byte_source {
public:
    explicit pieces(std::vector<std::string> all, bool breaks = false) : all_(std::move(all)), breaks_(breaks) {}
    boost::asio::awaitable<proto::result<std::string>> next() override {
        if (at_ < all_.size()) co_return all_[at_++];
        if (breaks_) co_return proto::fail(error_code::cancelled, "gone");
        co_return std::string();
    }

private:
    std::vector<std::string> all_;
    bool breaks_;
    std::size_t at_ = 0;
};

class spool_test : public testing::Test {
protected:
    spool_test() { reopen(); }
    ~spool_test() override { pool_.stop(); }

    void reopen() {
        spool_ = std::make_unique<spool>(pool_, path(), options_);
        EXPECT_TRUE(spool_->open());
    }
    fs::path path() const { return directory_.path() / "uploads"; }

    proto::result<upload> receive(std::vector<std::string> bytes, std::uint64_t announced, bool breaks = false) {
        pieces from(std::move(bytes), breaks);
        boost::asio::io_context io;
        proto::result<upload> out;
        boost::asio::co_spawn(io, spool_->receive({"w/u/c", "name.bin", announced}, from),
                              [&](const std::exception_ptr& thrown, proto::result<upload> r) {
                                  EXPECT_FALSE(thrown);
                                  out = std::move(r);
                              });
        io.run();
        return out;
    }
    upload keep(const std::string& bytes) {
        auto made = receive({bytes}, bytes.size());
        EXPECT_TRUE(made);
        return made.value_or(upload{});
    }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path()), fs::directory_iterator()));
    }

    tests::temporary_directory directory_;
    std::int64_t now_ = 1'000'000;
    spool_options options_{[this] { return now_; }, 3, 1000, 2};
    common::async::blocking_pool pool_{1, 64};
    std::unique_ptr<spool> spool_;
};

TEST_F(spool_test, a_file_is_kept_whole_and_private) {
    const auto made = receive({"\xff\xd8", "\xff", "rest"}, 7);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->bytes, 7U);
    EXPECT_EQ(made->media_type, "image/jpeg");
    EXPECT_EQ(made->sha256, common::crypto::hex_encode(common::crypto::sha256("\xff\xd8\xffrest")));
    EXPECT_EQ(made->expires_at_ms, now_ + proto::limits::upload_keep_ms);
    std::ifstream in(spool_->file_of(*made), std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "\xff\xd8\xffrest");
    EXPECT_EQ(fs::status(spool_->file_of(*made)).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(fs::status(path()).permissions(), fs::perms::owner_all);
    const auto told = nlohmann::json::parse(to_json(*made));
    EXPECT_EQ(told["upload_id"], made->id);
    EXPECT_FALSE(told.contains("owner"));
}

TEST_F(spool_test, what_is_not_whole_is_not_there) {
    EXPECT_EQ(receive({"abc"}, 4).error().code, error_code::invalid_argument);
    EXPECT_EQ(receive({"abc", "de"}, 4).error().code, error_code::invalid_argument);
    EXPECT_EQ(receive({"abc"}, 4, true).error().code, error_code::cancelled);
    EXPECT_EQ(files(), 0U);
    EXPECT_TRUE(receive({std::string(1000, 'x')}, 1000)) << "and takes no room";
}

TEST_F(spool_test, only_its_owner_finds_it) {
    const auto a = keep("a");
    const auto b = keep("b");
    const auto both = spool_->find("w/u/c", {b.id, a.id});
    ASSERT_TRUE(both);
    EXPECT_EQ(both->at(0).id, b.id);
    for (const char* other : {"w/u/other", "w2/u/c", ""})
        EXPECT_EQ(spool_->find(other, {a.id}).error().code, error_code::not_found);
    const auto unknown = spool_->find("w/u/c", {a.id, "up_x"});
    EXPECT_NE(unknown.error().message.find("up_x"), std::string::npos);
}

TEST_F(spool_test, number_and_bytes_are_bounded) {
    EXPECT_EQ(receive({}, 1001).error().code, error_code::resource_exhausted);
    keep(std::string(600, 'x'));
    EXPECT_EQ(receive({}, 401).error().code, error_code::resource_exhausted);
    keep("1");
    keep("2");
    EXPECT_EQ(receive({"3"}, 1).error().code, error_code::resource_exhausted);
    now_ += proto::limits::upload_keep_ms;
    EXPECT_TRUE(receive({"3"}, 1)) << "the old ones are gone";
    EXPECT_EQ(files(), 2U);
}

TEST_F(spool_test, so_many_at_once_and_no_more) {
    class nested final : public byte_source {
    public:
        nested(spool& all, int depth) : all_(all), depth_(depth) {}
        boost::asio::awaitable<proto::result<std::string>> next() override {
            if (std::exchange(asked_, true)) co_return std::string();
            nested inner(all_, depth_ + 1);
            auto made = co_await all_.receive({"w", "n", 1}, inner);
            if (!made) deepest = depth_;
            co_return std::string("x");
        }
        int deepest = 0;

    private:
        spool& all_;
        int depth_;
        bool asked_ = false;
    };
    nested from(*spool_, 1);
    boost::asio::io_context io;
    bool whole = false;
    boost::asio::co_spawn(io, spool_->receive({"w", "n", 1}, from),
                          [&](const std::exception_ptr&, proto::result<upload> r) { whole = r.has_value(); });
    io.run();
    EXPECT_TRUE(whole);
    EXPECT_EQ(files(), 4U) << "two were received, the third was refused";
}

TEST_F(spool_test, a_restart_finds_what_was_whole_and_removes_the_rest) {
    const auto kept = keep("kept");
    for (const char* name : {"up_half.part", "up_alone", "up_bad.json", "stranger"})
        std::ofstream(path() / name) << "{";
    const auto torn = keep("torn");
    fs::resize_file(spool_->file_of(torn), 2);
    reopen();
    EXPECT_EQ(files(), 2U);
    const auto found = spool_->find("w/u/c", {kept.id});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->front().sha256, kept.sha256);
    EXPECT_FALSE(spool_->find("w/u/c", {torn.id}));
    now_ += proto::limits::upload_keep_ms;
    reopen();
    EXPECT_EQ(files(), 0U);
}

TEST_F(spool_test, a_directory_that_is_gone_is_said) {
    fs::remove_all(path());
    EXPECT_EQ(receive({"x"}, 1).error().code, error_code::internal);
}

}  // namespace
}  // namespace agent::uploads
