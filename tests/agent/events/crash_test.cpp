// The log under kill -9 and on a full disk.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/agent/events/child_process.hpp"
#include "tests/agent/events/log_fixture.hpp"

namespace agent::events::test {
namespace {

namespace asio = boost::asio;
using common::db::connection;
using nlohmann::json;

void write_line(int fd, const std::string& text) {
    const std::string line = text + "\n";
    if (::write(fd, line.data(), line.size()) < 0) ::_exit(3);
}

// Batch `n` has 1 to 3 events, and a row that says where they are.
batch numbered(int n) {
    batch b;
    for (int i = 0; i <= n % 3; ++i)
        b.events.push_back(made("s" + std::to_string(n % 2), "x", json{{"batch", n}, {"index", i}}.dump()));
    b.also = [n](connection& c, std::int64_t first_seq) {
        c.execute("INSERT INTO meta (name, value) VALUES (CAST(:name AS TEXT), CAST(:value AS TEXT))",
                  {{"name", "batch" + std::to_string(n)}, {"value", std::to_string(first_seq)}});
    };
    return b;
}

asio::awaitable<void> append_numbered(log& target, int n, int fd) {
    auto done = co_await target.append(numbered(n));
    if (!done) throw std::runtime_error(done.error().message);
    write_line(fd, std::to_string(n));
}

// Appends until it is killed, some batches at once.
void append_for_ever(const std::string& directory, int from, int fd) {
    asio::io_context io;
    auto opened = open_log(io.get_executor(), directory);
    if (!opened) throw std::runtime_error(opened.error().message);
    for (int n = from;;) {
        const int group = n + 1 + n % 7;
        for (; n < group; ++n) asio::co_spawn(io, append_numbered(**opened, n, fd), asio::detached);
        io.restart();
        io.run();
    }
}

// Checks that exactly the batches 0 … n-1 are there, whole and in order. Returns n.
int check_batches(const std::string& directory, int acknowledged) {
    asio::io_context io;
    auto opened = open_log(io.get_executor(), directory);
    if (!opened) throw std::runtime_error(opened.error().message);
    EXPECT_EQ((*opened)->trouble(), "");
    std::vector<event> all;
    for (page p; all.empty() || p.has_more;) {
        auto got = await(io, (*opened)->read({}, p.next_seq, 1000, std::chrono::milliseconds(0)));
        if (!got) throw std::runtime_error(got.error().message);
        p = std::move(*got);
        if (p.events.empty()) break;
        all.insert(all.end(), p.events.begin(), p.events.end());
    }
    auto places = std::make_shared<std::map<std::string, std::string>>();
    (void)await(io, (*opened)->run([places](connection& c) {
        for (const auto& r : c.query("SELECT name, value FROM meta WHERE name LIKE 'batch%'"))
            (*places)[r.text("name")] = r.text("value");
    }));

    std::size_t at = 0;
    std::map<std::string, std::int64_t> ordinals;
    int n = 0;
    for (; at < all.size(); ++n) {
        EXPECT_EQ((*places)["batch" + std::to_string(n)], std::to_string(all[at].seq));
        const auto expected = numbered(n).events;
        for (std::size_t i = 0; i < expected.size(); ++i, ++at) {
            if (at >= all.size()) {
                ADD_FAILURE() << "batch " << n << " is cut";
                return n;
            }
            EXPECT_EQ(all[at].seq, static_cast<std::int64_t>(at) + 1);
            EXPECT_EQ(all[at].body, expected[i].body);
            EXPECT_EQ(all[at].ordinal, ordinals[all[at].session_id]++);
        }
    }
    EXPECT_EQ(places->size(), static_cast<std::size_t>(n));
    EXPECT_GE(n, acknowledged) << "something was acknowledged and then lost";
    return n;
}

TEST(crash, kill_9_at_any_point_leaves_no_hole_and_no_double) {
    const temporary_directory directory;
    const std::string path = (directory.path() / "agent").string();
    std::mt19937 random(4097);
    int there = 0;
    std::string log_id;
    for (int round = 0; round < 12; ++round) {
        int acknowledged = there;
        {
            child_process child([&path, there](int fd) { append_for_ever(path, there, fd); });
            const auto wanted = static_cast<int>(random() % 60);
            std::string line;
            for (int i = 0; i < wanted && child.read_line(line); ++i)
                acknowledged = std::max(acknowledged, std::stoi(line) + 1);
            child.kill();
            while (child.read_line(line)) acknowledged = std::max(acknowledged, std::stoi(line) + 1);
        }
        there = check_batches(path, acknowledged);
        ASSERT_FALSE(::testing::Test::HasFailure()) << "in round " << round;
        asio::io_context io;
        const auto opened = open_log(io.get_executor(), path);
        EXPECT_TRUE(log_id.empty() || log_id == (*opened)->log_id()) << "a crash is no rollback";
        log_id = (*opened)->log_id();
    }
    EXPECT_GT(there, 50);
}

// What happens in the child while writing fails; `fill` makes it fail, `make_room` ends that.
void outlast(const std::string& directory, const std::string& expected_trouble, const std::function<void()>& fill,
             const std::function<void()>& make_room, int fd) {
    asio::io_context io;
    auto opened = open_log(io.get_executor(), directory);
    if (!opened) throw std::runtime_error(opened.error().message);
    log& target = **opened;
    const auto check = [fd](bool good, const std::string& what) {
        if (!good) write_line(fd, "not so: " + what);
    };
    check(await(io, target.append(numbered(0))).has_value(), "the first batch is written");
    fill();
    std::vector<std::shared_ptr<std::optional<proto::result<std::int64_t>>>> waiting;
    for (int n = 1; n <= 5; ++n) {
        batch b = numbered(n);
        b.events[0].body = json{{"batch", n}, {"index", 0}, {"x", std::string(300'000, 'x')}}.dump();
        waiting.push_back(start(io, target.append(std::move(b))));
    }
    while (target.trouble().empty()) io.poll();
    check(target.trouble().find(expected_trouble) != std::string::npos, target.trouble());
    const auto refused = await(io, target.run([](connection&) {}));
    check(!refused && refused.error().code == proto::error_code::resource_exhausted, "a job is refused meanwhile");
    auto read = await(io, target.read({}, 0, 10, std::chrono::milliseconds(0)));
    check(read && read->events.size() == 1, "what is there can be read meanwhile");
    for (const auto& w : waiting) check(!*w, "batches wait");

    make_room();
    for (const auto& w : waiting) check(finish(io, w).has_value(), "each batch is written at last");
    check(target.trouble().empty(), "the trouble is over: " + target.trouble());
    check(await(io, target.run([](connection&) {})).has_value(), "jobs run again");
    opened->reset();

    auto again = open_log(io.get_executor(), directory);
    if (!again) throw std::runtime_error(again.error().message);
    std::int64_t seq = 0;
    int n = 0;
    for (bool more = true; more;) {
        auto p = await(io, (*again)->read({}, seq, 1000, std::chrono::milliseconds(0)));
        for (const auto& e : p->events) {
            check(e.seq == ++seq, "no hole");
            n = json::parse(e.body)["batch"].get<int>();
        }
        more = p->has_more;
    }
    check(n == 5 && seq == 1 + 2 + 3 + 1 + 2 + 3, "everything is there");
    write_line(fd, "done");
}

void must(bool done, const char* what) {
    if (!done) throw std::runtime_error(fmt::format("{} failed: {}", what, std::strerror(errno)));
}

// A file system of a few megabytes that only this process sees.
void mount_small(const std::filesystem::path& at) {
    const auto uid = ::getuid();
    const auto gid = ::getgid();
    if (::geteuid() == 0) {
        must(::unshare(CLONE_NEWNS) == 0, "making a mount namespace");
    } else {
        must(::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "making a user and mount namespace");
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << fmt::format("0 {} 1", uid);
        std::ofstream("/proc/self/gid_map") << fmt::format("0 {} 1", gid);
    }
    must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "making mounts private");
    std::filesystem::create_directories(at);
    must(::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=8m") == 0, "mounting a tmpfs");
}

TEST(crash, a_full_disk_loses_nothing) {
    const temporary_directory directory;
    child_process child([&directory](int fd) {
        const auto disk = directory.path() / "disk";
        mount_small(disk);
        const auto filler = disk / "filler";
        const auto fill = [&filler] {
            std::ofstream out(filler, std::ios::binary);
            const std::string piece(4096, 'f');
            while (out.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) {
            }
        };
        outlast((disk / "agent").string(), "is full", fill, [&filler] { std::filesystem::remove(filler); }, fd);
    });
    EXPECT_EQ(child.read_all(), "done\n");
}

TEST(crash, a_log_that_cannot_be_written_for_a_while_loses_nothing) {
    const temporary_directory directory;
    child_process child([&directory](int fd) {
        ::signal(SIGXFSZ, SIG_IGN);
        const auto limit_files = [](rlim_t bytes) {
            rlimit limit{};
            must(::getrlimit(RLIMIT_FSIZE, &limit) == 0, "asking for the limit");
            limit.rlim_cur = std::min(bytes, limit.rlim_max);
            must(::setrlimit(RLIMIT_FSIZE, &limit) == 0, "limiting the size of files");
        };
        outlast((directory.path() / "agent").string(), "cannot be written", [&] { limit_files(200'000); },
                [&] { limit_files(RLIM_INFINITY); }, fd);
    });
    EXPECT_EQ(child.read_all(), "done\n");
}

}  // namespace
}  // namespace agent::events::test
