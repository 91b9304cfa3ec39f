#include "agent/events/retention.hpp"

#include <nlohmann/json.hpp>

#include "agent/events/poll.hpp"
#include "agent/events/prompt_rows.hpp"
#include "agent/events/session_rows.hpp"
#include "tests/agent/events/log_fixture.hpp"

namespace agent::events::test {
namespace {

using common::db::connection;
using nlohmann::json;

constexpr std::int64_t base = 1'800'000'000'000;

class retention_test : public log_test {
protected:
    void save(const std::string& id, std::int64_t updated_ms, session_status status = session_status::idle) {
        session_row row;
        row.id = id;
        row.updated_at = updated_ms;
        row.status = status;
        row.state = session_state::idle;
        run([row](connection& c) { save_session(c, row); });
    }
    // Of what is kept for 1000 ms.
    std::string oldest(std::int64_t now_ms) {
        std::string found;
        run([&](connection& c) { found = oldest_forgettable(c, now_ms, 1000).value_or(""); });
        return found;
    }
    void forget(const std::string& id) {
        run([id](connection& c) { forget_session(c, id); });
    }
    std::vector<std::string> poll_types(std::int64_t from, const std::string& session = {}) {
        poll_request r;
        r.session_id = session;
        r.from = {log_->log_id(), from, std::nullopt};
        auto got = await(poll(*log_, std::move(r)));
        EXPECT_TRUE(got);
        std::vector<std::string> out;
        for (const auto& e : got->events) out.push_back(json::parse(e)["type"]);
        return out;
    }
};

TEST_F(retention_test, only_what_is_old_and_over_is_forgotten) {
    save("used-now", base + 5000);
    save("old", base + 100);
    save("older-but-live", base + 50, session_status::live);
    save("older-but-open-elsewhere", base + 50, session_status::mirror);
    save("older-with-the-newest-event", base + 50);
    save("older-but-waiting", base + 50);
    prompt_row prompt;
    prompt.uuid = "p";
    prompt.session_id = "older-but-waiting";
    run([prompt](connection& c) { EXPECT_TRUE(insert_prompt(c, prompt)); });
    append({made("older-with-the-newest-event", "session.created")});
    EXPECT_EQ(oldest(base + 1100), "");
    EXPECT_EQ(oldest(base + 1101), "old");
}

TEST_F(retention_test, a_clock_that_jumps_makes_nothing_old) {
    append({made("used-last", "session.created")});
    save("used-last", base + 200);
    save("used-before", base);
    save("used-when-the-clock-stood-in-1970", 60'000);
    EXPECT_EQ(oldest(base + 1'000'000), "") << "nothing was used since the jump";
    EXPECT_EQ(oldest(base - 1'000'000), "");
    save("used-last", base + 1001);
    EXPECT_EQ(oldest(base + 1'000'000), "used-before");
}

TEST_F(retention_test, a_session_goes_as_a_whole_and_no_other) {
    append({made("a", "session.created"), made("b", "session.created"), made("a", "session.idle")});
    append({made("b", "session.idle")});
    save("a", 1);
    save("b", 1);
    forget("a");
    EXPECT_TRUE(read(of_session("a"), 0).events.empty());
    EXPECT_EQ(read(of_session("b"), 0).events.size(), 2u);
    run([](connection& c) {
        EXPECT_FALSE(find_session(c, "a"));
        EXPECT_TRUE(find_session(c, "b"));
    });
    // Its place is not given to others, also after a restart.
    open();
    EXPECT_EQ(append({made("b", "session.updated")}), 5);
}

TEST_F(retention_test, a_reader_that_had_not_got_so_far_is_told_the_gap) {
    append({made("a", "session.created"), made("b", "session.created"), made("a", "session.idle")});
    append({made("b", "session.idle")});
    save("a", 1);
    forget("a");
    using types = std::vector<std::string>;
    EXPECT_EQ(poll_types(0), (types{"session.created", "stream.gap", "session.idle"}));
    EXPECT_EQ(poll_types(1), (types{"session.created", "stream.gap", "session.idle"}));
    EXPECT_EQ(poll_types(2), (types{"stream.gap", "session.idle"}));
    EXPECT_EQ(poll_types(3), types{"session.idle"});
    EXPECT_EQ(poll_types(1, "b"), (types{"session.created", "session.idle"}));
}

}  // namespace
}  // namespace agent::events::test
