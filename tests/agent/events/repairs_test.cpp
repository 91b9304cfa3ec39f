#include "agent/events/repairs.hpp"

#include "proto/limits.hpp"
#include "tests/agent/events/log_fixture.hpp"

namespace agent::events::test {
namespace {

class repairs_test : public log_test {
protected:
    std::vector<std::string> told(const repairs& of) {
        std::vector<std::string> out;
        for (const auto& one : of.all()) out.push_back(one.action + " " + one.details);
        return out;
    }
    // Until what was noted is stored.
    void settle() {
        io_.restart();
        io_.run();
    }
    boost::asio::awaitable<bool> load(repairs& into) {
        co_await into.load();
        co_return true;
    }
};

TEST_F(repairs_test, they_outlive_the_agent) {
    {
        repairs first(io_.get_executor(), *log_);
        await(load(first));
        EXPECT_TRUE(first.all().empty());
        first.note("a.mended", "One.");
        first.note("b.mended", "Zwei: ü.");
        EXPECT_GT(first.all().front().at_ms, 0);
        settle();
    }
    open();
    repairs second(io_.get_executor(), *log_);
    second.note("c.mended", "Before the others were read.");
    await(load(second));
    EXPECT_EQ(told(second), (std::vector<std::string>{"a.mended One.", "b.mended Zwei: ü.",
                                                      "c.mended Before the others were read."}));
    settle();
}

TEST_F(repairs_test, only_the_newest_are_kept) {
    repairs all(io_.get_executor(), *log_);
    await(load(all));
    for (std::size_t i = 0; i < proto::limits::repairs_max + 5; ++i) all.note("x", std::to_string(i));
    EXPECT_EQ(all.all().size(), proto::limits::repairs_max);
    EXPECT_EQ(all.all().front().details, "5");
    settle();
    repairs again(io_.get_executor(), *log_);
    await(load(again));
    EXPECT_EQ(told(again), told(all));
}

}  // namespace
}  // namespace agent::events::test
