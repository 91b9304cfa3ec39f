// A disk that does not take the spool is back-pressure, not loss. On a tiny tmpfs in a mount namespace of this test's
// own where that is allowed, and by the limit on file sizes everywhere.
#include <cstring>
#include <fstream>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "agent/hold/spool_reader.hpp"
#include "tests/agent/hold/hold_fixture.hpp"

namespace agent::hold::test {
namespace {

class full_disk_test : public hold_fixture {
protected:
    void TearDown() override {
        if (mounted_) ::umount2((root_ / "disk").c_str(), MNT_DETACH);
    }
    // False where this user may not mount.
    bool mount_tiny_disk(const char* options) {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
            return false;
        std::filesystem::create_directory(root_ / "disk");
        mounted_ = ::mount("tmpfs", (root_ / "disk").c_str(), "tmpfs", 0, options) == 0;
        return mounted_;
    }
    void read_lines(client& c, int count) {
        for (int i = 0; i < count; ++i) {
            const auto got = read(c);
            ASSERT_EQ(got.text, "line " + std::to_string(i));
            c.acknowledge(got.end_offset);
        }
    }
    bool mounted_ = false;
};

TEST_F(full_disk_test, output_waits_while_the_disk_is_full_and_nothing_is_lost) {
    auto s = spec();
    s.spool_segment_bytes = 64u << 10;
    constexpr int count = 20'000;
    if (mount_tiny_disk("size=1m,mode=0700")) {
        s.directory = root_ / "disk" / "holder";
        const auto c = start(s);
        const auto filler = root_ / "disk" / "filler";
        {
            std::ofstream file(filler);
            const std::string page(4096, 'f');
            while (file << page << std::flush) {
            }
        }
        run(c->write_line("emit " + std::to_string(count)));
        run_until([&] { return !c->trouble().empty(); });
        EXPECT_NE(c->trouble().find("The disk is full"), std::string::npos) << c->trouble();
        std::filesystem::remove(filler);
        read_lines(*c, count);
        run_until([&] { return c->trouble().empty(); });
        tell(*c, "exit 0");
        EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    } else {
        std::printf("This user may not mount: only the test by file size limit says something here.\n");
        EXPECT_NE(::geteuid(), 0u) << "root may be kept from it by a container";
    }
}

TEST_F(full_disk_test, a_start_on_a_full_disk_fails_with_a_sentence) {
    if (!mount_tiny_disk("size=64k,mode=0700")) return;
    auto s = spec();
    s.directory = root_ / "disk" / "holder";
    const auto started = run(spawn(io_.get_executor(), HOLD_PROGRAM, s));
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, hold_errc::start_failed);
    EXPECT_NE(started.error().message.find("The disk is full"), std::string::npos) << started.error().message;
    EXPECT_FALSE(std::filesystem::exists(s.directory));
}

TEST_F(full_disk_test, output_waits_while_files_may_not_grow_and_nothing_is_lost) {
    auto s = spec();
    s.spool_segment_bytes = 64u << 10;
    constexpr int count = 20'000;
    auto c = start(s);
    const pid_t holder = holder_of(*c);
    const auto limit = [&](rlim_t bytes) {
        const rlimit value{bytes, RLIM_INFINITY};
        ASSERT_EQ(::prlimit(holder, RLIMIT_FSIZE, &value, nullptr), 0) << std::strerror(errno);
    };
    limit(10'000);
    tell(*c, "emit " + std::to_string(count));
    run_until([&] { return !c->trouble().empty(); });
    EXPECT_NE(c->trouble().find("size of files"), std::string::npos) << c->trouble();

    c.reset();
    c = attach_at(0);
    run_until([&] { return !c->trouble().empty(); });  // a new agent is told as well
    limit(RLIM_INFINITY);
    read_lines(*c, count);
    run_until([&] { return c->trouble().empty(); });
}

TEST_F(full_disk_test, a_claude_that_dies_meanwhile_is_told_when_all_its_output_is_stored) {
    auto s = spec();
    s.spool_segment_bytes = 64u << 10;
    const auto c = start(s);
    const pid_t holder = holder_of(*c);
    rlimit value{4096, RLIM_INFINITY};
    ASSERT_EQ(::prlimit(holder, RLIMIT_FSIZE, &value, nullptr), 0);
    tell(*c, "emit 2000");
    tell(*c, "exit 7");
    wait_until([&] { return !is_alive(c->claude_pid()); });
    run_until([&] { return !c->trouble().empty(); });
    EXPECT_FALSE(c->exit_status());
    value.rlim_cur = RLIM_INFINITY;
    ASSERT_EQ(::prlimit(holder, RLIMIT_FSIZE, &value, nullptr), 0);
    read_lines(*c, 2000);
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    EXPECT_EQ(c->exit_status()->code, 7);
    EXPECT_TRUE(read_exit_info(s.directory));
}

TEST_F(full_disk_test, a_spool_that_nobody_acknowledges_stops_growing_until_somebody_does) {
    auto s = spec();
    s.spool_segment_bytes = 4096;
    s.spool_bytes_max = 16384;
    const auto c = start(s);
    tell(*c, "emit 20000");
    run_until([&] { return !c->trouble().empty(); });
    std::uintmax_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(s.directory))
        if (entry.path().filename().string().starts_with("spool-")) bytes += entry.file_size();
    EXPECT_EQ(bytes, 16384u);
    read_lines(*c, 20000);
    run_until([&] { return c->trouble().empty(); });
}

TEST_F(full_disk_test, a_line_without_end_ends_the_session_and_not_the_memory) {
    auto s = spec();
    const auto c = start(s);
    tell(*c, "emit 1");
    tell(*c, "big " + std::to_string(stdout_line_bytes_max + (1u << 20)));
    EXPECT_EQ(read(*c).text, "line 0");
    const auto error = read_error(*c);
    EXPECT_EQ(error.code, hold_errc::failed);
    EXPECT_NE(error.message.find("64 MiB"), std::string::npos);
    EXPECT_EQ(read_error(*c), error) << "it stays so";
    run(c->release());
    EXPECT_FALSE(is_alive(c->claude_pid()));
    EXPECT_FALSE(std::filesystem::exists(s.directory));
}

}  // namespace
}  // namespace agent::hold::test
