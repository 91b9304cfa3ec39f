#include "agent/journal/calls.hpp"

#include "tests/agent/events/log_fixture.hpp"

namespace agent::journal::test {
namespace {

using common::db::connection;
using events::test::finish;
using events::test::start;
using std::chrono::milliseconds;

class calls_test : public events::test::log_test {
protected:
    calls_test() { restart(); }

    void restart() {
        calls_.reset();
        open();
        calls_ = std::make_unique<calls>(io_.get_executor(), *log_);
    }
    static call sent(std::string key, std::string hash = "h", std::string principal = "w/u/c") {
        return {std::move(principal), "send_prompt", std::move(key), std::move(hash)};
    }
    proto::result<decision> begin(call c, milliseconds wait = milliseconds(0)) {
        return await(calls_->begin(std::move(c), wait));
    }
    // The id of a call that may act now.
    std::int64_t proceed(call c) {
        const auto d = begin(std::move(c));
        EXPECT_TRUE(d) << d.error().message;
        EXPECT_FALSE(d->replay);
        return d->id;
    }
    void end(std::int64_t id, std::string result) { EXPECT_TRUE(await(calls_->finish(id, std::move(result)))); }
    static proto::error_code code(const proto::result<decision>& d) { return d.error().code; }

    std::unique_ptr<calls> calls_;
};

TEST_F(calls_test, the_same_key_gives_the_same_answer_for_a_week) {
    end(proceed(sent("k")), R"({"ok":1})");
    EXPECT_EQ(*begin(sent("k"))->replay, R"({"ok":1})");
    restart();
    EXPECT_EQ(*begin(sent("k"))->replay, R"({"ok":1})");
    run([](connection& c) { c.execute("UPDATE calls SET begun_at = begun_at - 7 * 86400 * 1000 + 60000"); });
    EXPECT_TRUE(begin(sent("k"))->replay);
    run([](connection& c) { c.execute("UPDATE calls SET begun_at = begun_at - 120000"); });
    EXPECT_TRUE(begin(sent("k"))->replay) << "a clock that jumps makes none of the latest old";
    run([](connection& c) {
        c.execute(
            "INSERT INTO calls (id, principal, tool, arguments_hash, subject, begun_at) "
            "VALUES ((SELECT MAX(id) FROM calls) + 256, 'p', 't', '', '', 0)");
    });
    proceed(sent("k"));
}

TEST_F(calls_test, keys_belong_to_one_caller_and_one_call) {
    end(proceed(sent("k")), "{}");
    proceed(sent("k", "h", "w/u/another"));
    EXPECT_EQ(code(begin(sent("k", "other arguments"))), proto::error_code::idempotency_conflict);
    call other_tool = sent("k");
    other_tool.tool = "create_session";
    EXPECT_EQ(code(begin(other_tool)), proto::error_code::idempotency_conflict);
    EXPECT_EQ(code(begin(sent(std::string(129, 'k')))), proto::error_code::invalid_argument);
}

TEST_F(calls_test, calls_without_a_key_never_meet) {
    const auto first = proceed(sent(""));
    const auto second = proceed(sent(""));
    EXPECT_NE(first, second);
    end(first, "{}");
    proceed(sent(""));
}

TEST_F(calls_test, the_second_of_two_waits_for_the_first) {
    const auto first = start(io_, calls_->begin(sent("k"), milliseconds(0)));
    const auto second = start(io_, calls_->begin(sent("k"), std::chrono::hours(1)));
    const auto conflicting = start(io_, calls_->begin(sent("k", "other"), std::chrono::hours(1)));
    const auto impatient = start(io_, calls_->begin(sent("k"), milliseconds(0)));
    const auto d = finish(io_, first);
    ASSERT_TRUE(d);
    EXPECT_EQ(code(finish(io_, conflicting)), proto::error_code::idempotency_conflict);
    EXPECT_EQ(code(finish(io_, impatient)), proto::error_code::timeout);
    EXPECT_FALSE(*second);
    end(d->id, "done");
    EXPECT_EQ(*finish(io_, second)->replay, "done");
}

TEST_F(calls_test, a_refused_call_leaves_its_key_free) {
    const auto id = proceed(sent("k"));
    const auto waiting = start(io_, calls_->begin(sent("k"), std::chrono::hours(1)));
    EXPECT_TRUE(await(calls_->withdraw(id)));
    const auto next = finish(io_, waiting);
    ASSERT_TRUE(next);
    EXPECT_FALSE(next->replay) << "the one that waited may act now";
    end(next->id, "its own");
    EXPECT_EQ(*begin(sent("k"))->replay, "its own");
}

TEST_F(calls_test, an_answer_counts_from_the_call_of_finish_on) {
    const auto id = proceed(sent("k"));
    {
        const auto dropped = calls_->finish(id, "kept");
    }
    EXPECT_EQ(*begin(sent("k"))->replay, "kept");
    restart();
    EXPECT_EQ(*begin(sent("k"))->replay, "kept");
}

TEST_F(calls_test, a_call_that_a_crash_cut_is_unknown_until_recovery_settles_it) {
    const auto first = proceed(sent("k1"));
    const auto second = proceed(sent("k2"));
    run([first](connection& c) { set_subject(c, first, "a prompt"); });
    restart();
    EXPECT_EQ(code(begin(sent("k1"))), proto::error_code::unknown_outcome);
    const auto open = await(calls_->open_calls());
    ASSERT_TRUE(open);
    ASSERT_EQ(open->size(), 2u);
    EXPECT_EQ(open->front().id, first);
    EXPECT_EQ(open->front().subject, "a prompt");
    EXPECT_EQ(open->front().what.tool, "send_prompt");
    EXPECT_EQ(open->front().what.idempotency_key, "k1");
    end(first, "found out");
    EXPECT_TRUE(await(calls_->withdraw(second)));
    EXPECT_EQ(*begin(sent("k1"))->replay, "found out");
    proceed(sent("k2"));
}

TEST_F(calls_test, a_call_that_may_repeat_is_told_when_it_was_begun_and_only_itself) {
    proceed(sent("k"));
    restart();
    const auto open = await(calls_->open_calls());
    ASSERT_TRUE(open);
    calls_->may_repeat(open->front().id);
    EXPECT_EQ(code(begin(sent("k", "other arguments"))), proto::error_code::idempotency_conflict);
    const auto again = begin(sent("k"));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->id, open->front().id);
    EXPECT_EQ(again->begun_at, open->front().begun_at);
    EXPECT_FALSE(again->replay);
    end(again->id, "at last");
    EXPECT_EQ(*begin(sent("k"))->replay, "at last");
}

TEST_F(calls_test, a_call_that_was_left_keeps_its_key_and_lets_the_next_one_act) {
    const auto id = proceed(sent("k"));
    const auto waiting = start(io_, calls_->begin(sent("k"), std::chrono::hours(1)));
    calls_->leave(id);
    const auto next = finish(io_, waiting);
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_EQ(next->id, id);
    EXPECT_TRUE(next->begun_at);
    EXPECT_EQ(code(begin(sent("k", "other arguments"))), proto::error_code::idempotency_conflict);
    end(next->id, "done");
    EXPECT_EQ(*begin(sent("k"))->replay, "done");
}

TEST_F(calls_test, calls_that_join_do_not_wait_and_the_first_answer_stays) {
    const auto join = [this](call c) {
        return await(calls_->begin(std::move(c), std::chrono::hours(1), repetition::joins));
    };
    const auto first = join(sent("k"));
    const auto second = join(sent("k"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->id, second->id);
    EXPECT_FALSE(first->begun_at);
    EXPECT_TRUE(second->begun_at);
    EXPECT_EQ(code(join(sent("k", "other arguments"))), proto::error_code::idempotency_conflict);
    call other_tool = sent("k");
    other_tool.tool = "send_and_wait";
    EXPECT_EQ(code(join(other_tool)), proto::error_code::idempotency_conflict);
    EXPECT_EQ(code(begin(other_tool)), proto::error_code::idempotency_conflict);
    end(second->id, "the first answer");
    end(first->id, "another");
    EXPECT_EQ(*join(sent("k"))->replay, "the first answer");
    restart();
    EXPECT_EQ(*join(sent("k"))->replay, "the first answer");
    EXPECT_NE(join(sent(""))->id, join(sent(""))->id);
}

TEST_F(calls_test, the_journal_is_bounded) {
    const auto count = [this] {
        auto n = std::make_shared<std::int64_t>();
        run([n](connection& c) { *n = c.query("SELECT COUNT(*) AS n FROM calls")[0].integer("n"); });
        return *n;
    };
    for (int i = 0; i < 64; ++i) end(proceed(sent("old" + std::to_string(i))), "{}");
    run([](connection& c) { c.execute("UPDATE calls SET begun_at = 0"); });
    for (int i = 0; i < 256 + 64; ++i) end(proceed(sent("new" + std::to_string(i))), "{}");
    EXPECT_EQ(count(), 256 + 64);
    run([](connection& c) {
        c.execute(
            "INSERT INTO calls (id, principal, tool, arguments_hash, subject, begun_at) "
            "VALUES (100415, 'p', 't', '', '', 9000000000000)");
    });
    proceed(sent("one more"));
    EXPECT_EQ(count(), 2);
}

}  // namespace
}  // namespace agent::journal::test
