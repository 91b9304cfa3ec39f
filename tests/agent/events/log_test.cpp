#include <sys/stat.h>

#include "tests/agent/events/log_fixture.hpp"

namespace agent::events::test {
namespace {

using common::db::connection;
using std::chrono::milliseconds;

std::vector<std::int64_t> seqs(const page& p) {
    std::vector<std::int64_t> out;
    for (const auto& e : p.events) out.push_back(e.seq);
    return out;
}

TEST_F(log_test, keeps_what_was_appended_in_one_order) {
    EXPECT_EQ(log_->last_seq(), 0);
    EXPECT_EQ(append({made("a", "one", R"({"n":1})"), made("b", "two")}), 2);
    EXPECT_EQ(append({made("a", "three")}), 3);
    EXPECT_EQ(log_->last_seq(), 3);

    const auto all = read({}, 0);
    ASSERT_EQ(all.events.size(), 3u);
    EXPECT_EQ(all.events[0].body, R"({"n":1})");
    EXPECT_EQ(all.events[0].ordinal, 0);
    EXPECT_EQ(all.events[1].session_id, "b");
    EXPECT_EQ(all.events[1].ordinal, 0);
    EXPECT_EQ(all.events[2].ordinal, 1);
    EXPECT_GT(all.events[2].at_ms, 1'500'000'000'000);
    EXPECT_EQ(all.next_seq, 3);
    EXPECT_FALSE(all.has_more);
}

TEST_F(log_test, is_private_and_keeps_its_id_and_events_over_a_restart) {
    append({made("a", "one")});
    const std::string id = log_->log_id();
    open();
    EXPECT_EQ(log_->log_id(), id);
    EXPECT_EQ(log_->last_seq(), 1);
    EXPECT_EQ(append({made("a", "two")}), 2);
    EXPECT_EQ(read({}, 0).events.back().ordinal, 1);
    EXPECT_EQ(log_->trouble(), "");

    struct stat found{};
    for (const char* name : {"agent/log.db", "agent/log.mark", "agent/log.db-wal"}) {
        ASSERT_EQ(::stat((directory_.path() / name).c_str(), &found), 0) << name;
        EXPECT_EQ(found.st_mode & 0777, 0600u) << name;
    }
    ASSERT_EQ(::stat((directory_.path() / "agent").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0700u);
}

TEST_F(log_test, filters_and_moves_the_reader_over_what_the_filter_hides) {
    append({made("a", "x"), made("b", "x"), made("a", "y"), made("a", "x"), made("b", "y")});
    filter f = of_session("a");
    f.types = {"x", "z"};
    auto p = read(f, 0);
    EXPECT_EQ(seqs(p), (std::vector<std::int64_t>{1, 4}));
    EXPECT_EQ(p.next_seq, 5);

    p = read(f, 0, 1);
    EXPECT_EQ(seqs(p), (std::vector<std::int64_t>{1}));
    EXPECT_TRUE(p.has_more);
    EXPECT_EQ(p.next_seq, 1);
    p = read(f, p.next_seq, 1);
    EXPECT_EQ(seqs(p), (std::vector<std::int64_t>{4}));
    EXPECT_FALSE(p.has_more);

    p = read(of_session("unknown"), 2);
    EXPECT_TRUE(p.events.empty());
    EXPECT_EQ(p.next_seq, 5);
}

TEST_F(log_test, a_page_is_bounded_in_bytes_but_never_empty) {
    const std::string big(700 * 1024, 'x');
    append({made("a", "x", big), made("a", "x", big), made("a", "x", std::string(3 << 20, 'y'))});
    auto p = read({}, 0);
    EXPECT_EQ(seqs(p), (std::vector<std::int64_t>{1}));
    EXPECT_TRUE(p.has_more);
    p = read({}, 2);
    EXPECT_EQ(seqs(p), (std::vector<std::int64_t>{3}));
    EXPECT_EQ(p.events[0].body.size(), std::size_t{3} << 20);
    EXPECT_FALSE(p.has_more);
}

TEST_F(log_test, other_sql_of_a_batch_is_durable_with_its_events) {
    batch b;
    b.events = {made("a", "one"), made("a", "two")};
    b.also = [](connection& c, std::int64_t first_seq) {
        c.execute("INSERT INTO meta (name, value) VALUES ('first', CAST(:v AS TEXT))",
                  {{"v", std::to_string(first_seq)}});
    };
    append({made("a", "zero")});
    EXPECT_EQ(*await(log_->append(std::move(b))), 3);
    auto value = std::make_shared<std::string>();
    run([value](connection& c) { *value = c.query("SELECT value FROM meta WHERE name = 'first'")[0].text("value"); });
    EXPECT_EQ(*value, "2");
}

TEST_F(log_test, a_batch_that_fails_leaves_no_trace_and_spares_its_group) {
    std::vector<std::shared_ptr<std::optional<proto::result<std::int64_t>>>> started;
    for (int i = 0; i < 5; ++i) {
        batch b;
        b.events = {made("a", "e" + std::to_string(i))};
        if (i == 2) b.also = [](connection&, std::int64_t) { throw std::runtime_error("a bug"); };
        if (i == 3) b.also = [](connection& c, std::int64_t) { c.execute("INSERT INTO nowhere VALUES (1)"); };
        started.push_back(start(io_, log_->append(std::move(b))));
    }
    for (std::size_t i = 0; i < started.size(); ++i)
        EXPECT_EQ(finish(io_, started[i]).has_value(), i != 2 && i != 3) << i;
    const auto p = read({}, 0);
    EXPECT_EQ(seqs(p), (std::vector<std::int64_t>{1, 2, 3}));
    EXPECT_EQ(p.events[2].type, "e4");
    EXPECT_EQ(p.events[2].ordinal, 2);
}

TEST_F(log_test, batches_keep_the_order_of_the_calls_however_they_are_awaited) {
    std::vector<boost::asio::awaitable<proto::result<std::int64_t>>> appends;
    for (int i = 0; i < 400; ++i) {
        batch b;
        b.events = {made("a", std::to_string(i))};
        appends.push_back(log_->append(std::move(b)));
    }
    std::ranges::reverse(appends);
    for (auto& a : appends) ASSERT_TRUE(await(std::move(a)));
    const auto p = read({}, 0);
    ASSERT_EQ(p.events.size(), 400u);
    for (int i = 0; i < 400; ++i) EXPECT_EQ(p.events[static_cast<std::size_t>(i)].type, std::to_string(i));
}

TEST_F(log_test, sql_jobs_see_what_was_appended_before_them) {
    auto count = std::make_shared<std::int64_t>();
    batch b;
    b.events = {made("a", "x"), made("a", "x")};
    const auto appended = start(io_, log_->append(std::move(b)));
    const auto ran = start(io_, log_->run([count](connection& c) {
        *count = c.query("SELECT COUNT(*) AS n FROM events")[0].integer("n");
    }));
    EXPECT_TRUE(finish(io_, ran));
    EXPECT_EQ(*count, 2);
    EXPECT_TRUE(finish(io_, appended));

    const auto failed = await(log_->run([](connection&) { throw std::runtime_error("oh"); }));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, proto::error_code::internal);
    const auto wrote = await(log_->run_reading([](connection& c) { c.execute("DELETE FROM events"); }));
    EXPECT_FALSE(wrote) << "the reading connection must not write";
    EXPECT_EQ(read({}, 0).events.size(), 2u);
}

TEST_F(log_test, knows_where_the_turn_began_and_what_is_older) {
    EXPECT_EQ(*await(log_->turn_start("a")), std::nullopt);
    append({made("a", "session.created"), made("a", "message.created", "{}", true), made("b", "x")});
    append({made("a", "session.idle")});
    EXPECT_EQ(*await(log_->turn_start("a")), 1);
    EXPECT_EQ(*await(log_->turn_start("b")), std::nullopt);
    append({made("a", "message.created", "{}", true)});
    EXPECT_EQ(*await(log_->turn_start("a")), 4);

    EXPECT_EQ(*await(log_->seq_before(1000)), 0);
    EXPECT_EQ(*await(log_->seq_before(INT64_MAX)), 5);
    run([](connection& c) { c.execute("UPDATE events SET at_ms = 1000 WHERE seq <= 2"); });
    EXPECT_EQ(*await(log_->seq_before(1001)), 2);
    EXPECT_EQ(*await(log_->seq_before(1000)), 0);
}

TEST_F(log_test, a_waiting_reader_is_woken_by_what_it_asked_for) {
    const auto reading = start(io_, log_->read(of_session("a"), 0, 10, std::chrono::hours(1)));
    append({made("b", "x")});
    EXPECT_FALSE(*reading);
    append({made("a", "y")});
    const auto p = finish(io_, reading);
    ASSERT_TRUE(p);
    EXPECT_EQ(seqs(*p), (std::vector<std::int64_t>{2}));
}

// Readers start at every point of the life of a batch; none of them may sleep over it.
TEST_F(log_test, no_wake_up_is_lost_between_query_and_wait) {
    for (std::int64_t round = 1; round <= 200; ++round) {
        auto first = start(io_, log_->read({}, round - 1, 10, std::chrono::hours(1)));
        batch b;
        b.events = {made("a", "x")};
        auto appended = start(io_, log_->append(std::move(b)));
        io_.restart();
        for (std::int64_t i = 0; i < round % 7; ++i) io_.poll_one();
        auto second = start(io_, log_->read({}, round - 1, 10, std::chrono::hours(1)));
        EXPECT_TRUE(finish(io_, appended));
        EXPECT_EQ(seqs(*finish(io_, first)), (std::vector<std::int64_t>{round}));
        EXPECT_EQ(seqs(*finish(io_, second)), (std::vector<std::int64_t>{round}));
    }
}

TEST_F(log_test, a_wait_ends_at_its_deadline_and_with_the_log) {
    const auto p = await(log_->read({}, 0, 10, milliseconds(1)));
    ASSERT_TRUE(p);
    EXPECT_TRUE(p->events.empty());

    const auto reading = start(io_, log_->read({}, 0, 10, std::chrono::hours(1)));
    io_.restart();
    io_.poll();
    batch b;
    b.events = {made("a", "x")};
    const auto appended = start(io_, log_->append(std::move(b)));
    log_.reset();
    const auto ended = finish(io_, reading);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, proto::error_code::cancelled);
    EXPECT_TRUE(finish(io_, appended)) << "what was queued is written before the end";
    open();
    EXPECT_EQ(log_->last_seq(), 1);
}

TEST_F(log_test, waiting_readers_are_bounded) {
    std::vector<std::shared_ptr<std::optional<proto::result<page>>>> readers;
    for (int i = 0; i < 1025; ++i) readers.push_back(start(io_, log_->read({}, 0, 1, std::chrono::hours(1))));
    const auto refused = finish(io_, readers.back());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, proto::error_code::resource_exhausted);
    append({made("a", "x")});
    for (std::size_t i = 0; i < 1024; ++i) EXPECT_TRUE(finish(io_, readers[i]));
}

}  // namespace
}  // namespace agent::events::test
