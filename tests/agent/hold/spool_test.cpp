// Writer and reader of the spool over real files, without a holder.
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/hold/directory.hpp"
#include "agent/hold/spool_reader.hpp"
#include "agent/hold/spool_writer.hpp"
#include "agent/hold/stderr_tail.hpp"

namespace agent::hold {
namespace {

constexpr std::uint64_t segment_bytes = 4096;

class spool_test : public ::testing::Test {
protected:
    spool_test() {
        std::string name = "/tmp/spool-test-XXXXXX";
        path_ = ::mkdtemp(name.data());
        directory_ = std::move(*open_directory(path_));
    }
    ~spool_test() override { std::filesystem::remove_all(path_); }

    int fd() const { return directory_.get(); }
    static void append(spool_writer& writer, std::string_view bytes) {
        while (!bytes.empty()) {
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(writer.room(), bytes.size()));
            ASSERT_GT(n, 0u) << writer.trouble();
            writer.append(bytes.substr(0, n));
            bytes.remove_prefix(n);
        }
    }
    std::vector<std::string> lines_from(std::uint64_t offset) const {
        std::vector<std::string> texts;
        for (const auto& l : read_orphaned_spool(path_, offset)) texts.push_back(l.text);
        return texts;
    }

    std::filesystem::path path_;
    descriptor directory_;
};

TEST_F(spool_test, lines_that_span_segments_are_whole_and_their_offsets_resume_anywhere) {
    spool_writer writer(fd(), segment_bytes, 1u << 20);
    std::string stream;
    std::vector<std::string> texts;
    for (int i = 0; i < 200; ++i) {
        texts.push_back(std::string(static_cast<std::size_t>(i * 37 % 331), static_cast<char>('a' + i % 26)));
        stream += texts.back() + "\n";
    }
    append(writer, stream);
    EXPECT_EQ(writer.end_offset(), stream.size());
    EXPECT_GT(list_segments(fd()).size(), 5u);

    const auto all = read_orphaned_spool(path_, 0);
    ASSERT_EQ(all.size(), texts.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].text, texts[i]);
        EXPECT_EQ(lines_from(all[i].end_offset), std::vector(texts.begin() + static_cast<long>(i) + 1, texts.end()));
    }
}

TEST_F(spool_test, a_line_that_ends_with_its_segment_is_followed_by_the_next_one) {
    spool_writer writer(fd(), segment_bytes, 1u << 20);
    append(writer, std::string(segment_bytes - 1, 'a') + "\n");
    EXPECT_EQ(lines_from(0).size(), 1u);
    EXPECT_EQ(lines_from(segment_bytes).size(), 0u);
    append(writer, "b\n");
    EXPECT_EQ(lines_from(segment_bytes), std::vector<std::string>{"b"});
}

TEST_F(spool_test, a_reader_at_the_end_goes_on_when_more_is_written) {
    spool_writer writer(fd(), segment_bytes, 1u << 20);
    spool_reader reader(fd(), 0);
    EXPECT_FALSE(*reader.fill(UINT64_MAX));
    std::string got;
    for (int i = 0; i < 3000; ++i) {
        append(writer, "0123456789\n");
        while (reader.fill(writer.end_offset()).value()) {
        }
        while (const auto found = reader.next()) got += found->text;
    }
    EXPECT_EQ(got.size(), 30'000u);
    EXPECT_EQ(reader.read_to(), writer.end_offset());
}

TEST_F(spool_test, the_end_of_a_line_that_is_not_there_is_not_made_up) {
    spool_writer writer(fd(), segment_bytes, 1u << 20);
    append(writer, "whole\nhal");
    EXPECT_EQ(lines_from(0), std::vector<std::string>{"whole"});
}

TEST_F(spool_test, acknowledged_segments_are_deleted_and_no_others) {
    spool_writer writer(fd(), segment_bytes, 1u << 20);
    append(writer, std::string(3 * segment_bytes + 10, 'x'));
    writer.acknowledge(segment_bytes - 1);
    EXPECT_EQ(writer.first_offset(), 0u);
    writer.acknowledge(2 * segment_bytes + 1);
    EXPECT_EQ(writer.first_offset(), 2 * segment_bytes);
    EXPECT_EQ(list_segments(fd()), (std::vector<std::uint64_t>{2 * segment_bytes, 3 * segment_bytes}));
    writer.acknowledge(UINT64_MAX);
    EXPECT_EQ(list_segments(fd()), (std::vector<std::uint64_t>{3 * segment_bytes}));
}

TEST_F(spool_test, a_position_whose_segment_is_deleted_is_an_error) {
    spool_writer writer(fd(), segment_bytes, 1u << 20);
    append(writer, std::string(2 * segment_bytes, 'x'));
    writer.acknowledge(segment_bytes);
    spool_reader reader(fd(), 5);
    EXPECT_FALSE(reader.fill(UINT64_MAX));
}

TEST_F(spool_test, too_much_unacknowledged_leaves_no_room_until_some_is_acknowledged) {
    spool_writer writer(fd(), segment_bytes, 2 * segment_bytes);
    append(writer, std::string(2 * segment_bytes, 'x'));
    EXPECT_EQ(writer.room(), 0u);
    EXPECT_NE(writer.trouble(), "");
    writer.acknowledge(10);
    EXPECT_EQ(writer.room(), 10u);
    EXPECT_EQ(writer.trouble(), "");
}

TEST_F(spool_test, a_segment_takes_its_place_on_the_disk_before_a_byte_is_in_it) {
    spool_writer writer(fd(), 1u << 20, 1u << 22);
    ASSERT_GT(writer.room(), 0u);
    struct stat status{};
    ASSERT_EQ(::fstatat(fd(), segment_name(0).c_str(), &status, 0), 0);
    EXPECT_EQ(status.st_size, 0);
    EXPECT_GE(status.st_blocks * 512, 1 << 20);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(spool_test, names_that_are_not_a_segments_are_left_alone) {
    for (const char* name : {"spool-", "spool-1", "spool-000000000000000g", "spool-00000000000000000", "other"})
        EXPECT_FALSE(segment_start(name)) << name;
    EXPECT_EQ(segment_start("spool-00000000000000ff"), 255u);
    std::ofstream(path_ / "other") << "x";
    std::ofstream(path_ / segment_name(0)) << "x";
    remove_own_files(fd());
    EXPECT_TRUE(std::filesystem::exists(path_ / "other"));
    EXPECT_FALSE(std::filesystem::exists(path_ / segment_name(0)));
}

TEST_F(spool_test, a_symbolic_link_is_not_followed) {
    std::ofstream(path_ / "target") << "secret\n";
    std::filesystem::create_symlink("target", path_ / segment_name(0));
    EXPECT_TRUE(lines_from(0).empty());
    spool_writer writer(fd(), segment_bytes, 1u << 20);
    EXPECT_EQ(writer.room(), 0u);
    std::filesystem::create_symlink(path_, path_ / "link");
    EXPECT_FALSE(open_directory(path_ / "link"));
}

TEST_F(spool_test, stderr_is_bounded_on_disk_and_in_memory_and_is_always_text) {
    stderr_tail tail(fd());
    for (int i = 0; i < 300; ++i) tail.append(std::string(1000, '\xff'));
    tail.append("last words\n");
    EXPECT_LE(tail.text().size(), 16u << 10);
    EXPECT_TRUE(tail.text().ends_with("last words\n"));
    EXPECT_TRUE(tail.text().starts_with("\xef\xbf\xbd"));
    EXPECT_LE(std::filesystem::file_size(path_ / stderr_name), 66'000u);
    EXPECT_LE(std::filesystem::file_size(path_ / stderr_old_name), 66'000u);
}

}  // namespace
}  // namespace agent::hold
