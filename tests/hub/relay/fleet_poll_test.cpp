// poll_events over several machines: every event once, whoever is slow, away, new or chatty.
#include "hub/relay/fleet.hpp"
#include "proto/cursor.hpp"
#include "proto/limits.hpp"
#include "tests/hub/relay/relay_fixture.hpp"

namespace hub::relay {
namespace {

using nlohmann::json;
using proto::error_code;

class fleet_polls : public tests::relay_fixture {
protected:
    // A machine with a log of its own that answers as the real one does; what it has at `seq` is event `seq`.
    struct logging {
        box b;
        std::int64_t last = 0;
        std::vector<std::uint64_t> waiting;
    };

    std::shared_ptr<logging> add_log(const std::string& name, std::int64_t last = 0) {
        const auto one = std::make_shared<logging>();
        one->b = add(name);
        one->last = last;
        serve(one);
        return logs_.emplace_back(one);
    }
    void serve(const std::shared_ptr<logging>& one) {
        one->b.machine->on_call = [this, one = one.get()](const auto& call) {
            const auto args = json::parse(call.arguments);
            if (from_of(one, args) < one->last || args["timeout_ms"] == 0)
                reply(one, call.id, args);
            else
                one->waiting.push_back(call.id);
        };
    }
    std::int64_t from_of(const logging* one, const json& args) const {
        if (!args.contains("cursor")) return 0;
        const auto cursor = proto::decode_cursor(args["cursor"].get<std::string>()).value();
        EXPECT_EQ(cursor.entries.size(), 1U);
        EXPECT_EQ(cursor.entries[0].machine_id, one->b.id());
        return cursor.entries[0].seq;
    }
    void reply(const logging* one, std::uint64_t id, const json& args) const {
        json page{{"events", json::array()}, {"has_more", false}};
        auto seq = from_of(one, args);
        while (seq < one->last && page["events"].size() < args["limit"].get<std::size_t>()) {
            ++seq;
            page["events"].push_back({{"type", "t"}, {"seq", seq}, {"at", seq}});
        }
        page["has_more"] = seq < one->last;
        page["next_cursor"] = proto::encode_cursor({{{one->b.id(), "log_1", seq, 0}}});
        one->b.machine->answer(id, page.dump());
    }
    // Something happens.
    void happen(const std::shared_ptr<logging>& one) {
        ++one->last;
        for (const auto id : std::exchange(one->waiting, {})) {
            const auto call = std::ranges::find(one->b.machine->calls, id, &tests::fake_machine::received_call::id);
            if (one->b.machine->link.is_open(id)) reply(one.get(), id, json::parse(call->arguments));
        }
    }

    json poll(json arguments) {
        const auto call = ask("poll_events", arguments);
        EXPECT_TRUE(*call->outcome) << call->error().message;
        return *call->outcome ? call->value() : json();
    }
    std::vector<std::shared_ptr<logging>> logs_;
    static std::vector<std::string> seen(const json& page) {
        std::vector<std::string> out;
        for (const auto& e : page["events"])
            out.push_back(e["machineName"].get<std::string>() + std::to_string(e["seq"].get<int>()));
        return out;
    }
};

using list = std::vector<std::string>;

TEST_F(fleet_polls, what_is_there_comes_from_all_machines_at_once) {
    const auto a = add_log("a", 2);
    const auto b = add_log("b", 3);
    const auto page = poll({{"timeout_ms", 0}});
    EXPECT_EQ(seen(page).size(), 5U);
    EXPECT_EQ(proto::decode_cursor(page["next_cursor"].get<std::string>())->entries.size(), 2U);
    EXPECT_FALSE(page.contains("unreachable"));
    EXPECT_EQ(page["has_more"], false);
    EXPECT_TRUE(seen(poll({{"timeout_ms", 0}, {"cursor", page["next_cursor"]}})).empty());
}

TEST_F(fleet_polls, waits_for_the_first_that_has_something) {
    const auto a = add_log("a");
    const auto b = add_log("b");
    const auto call = begin("poll_events", {{"timeout_ms", 30'000}});
    until([&] { return a->waiting.size() == 1 && b->waiting.size() == 1; });
    EXPECT_FALSE(call->outcome);
    happen(b);
    finish(call);
    EXPECT_EQ(seen(call->value()), list{"b1"});
    EXPECT_FALSE(call->value().contains("unreachable")) << "a was not silent, it had nothing";
    until([&] { return a->b.machine->cancelled.size() == 1; });
}

// A machine that always has something must not be the only one that is ever heard.
TEST_F(fleet_polls, a_chatty_machine_hides_nobody) {
    const auto a = add_log("a", 1000);
    const auto b = add_log("b", 1);
    std::set<std::string> heard;
    json arguments{{"timeout_ms", 30'000}, {"limit", 10}};
    for (int i = 0; i < 3; ++i) {
        const auto page = poll(arguments);
        for (const auto& e : seen(page)) EXPECT_TRUE(heard.insert(e).second) << e;
        arguments["cursor"] = page["next_cursor"];
    }
    EXPECT_TRUE(heard.contains("b1"));
}

TEST_F(fleet_polls, the_limit_is_shared) {
    const auto a = add_log("a", 100);
    const auto b = add_log("b", 100);
    const auto page = poll({{"timeout_ms", 0}, {"limit", 10}});
    EXPECT_EQ(page["events"].size(), 10U);
    EXPECT_EQ(page["has_more"], true);
}

TEST_F(fleet_polls, every_event_once_whatever_comes_and_goes) {
    const auto a = add_log("a", 1);
    const auto b = add_log("b", 1);
    list all;
    json arguments{{"timeout_ms", 0}};
    const auto go_on = [&] {
        const auto page = poll(arguments);
        for (const auto& e : seen(page)) all.push_back(e);
        arguments["cursor"] = page["next_cursor"];
        return page;
    };
    go_on();
    unlink(b->b);
    happen(a);
    const auto while_away = go_on();
    ASSERT_EQ(while_away["unreachable"].size(), 1U);
    EXPECT_EQ(while_away["unreachable"][0]["reason"], "machine_offline");
    b->b.machine = link_up(b->b.identity);
    serve(b);
    happen(b);
    happen(a);
    go_on();
    const auto late = add_log("c", 2);  // enrolled meanwhile
    go_on();
    go_on();
    std::ranges::sort(all);
    EXPECT_EQ(all, (list{"a1", "a2", "a3", "b1", "b2", "c1", "c2"}));
}

TEST_F(fleet_polls, an_offline_machine_begins_where_the_hub_heard_it_last) {
    const auto a = add_log("a");
    auto b = add("b");
    b.machine->link.send_event(41, 40, "{}");
    b.machine->act();
    settle();
    unlink(b);
    until([&] { return stored(b.identity).ack_seq == 41; });
    const auto cursor = proto::decode_cursor(poll({{"timeout_ms", 0}})["next_cursor"].get<std::string>()).value();
    const auto entry = std::ranges::find(cursor.entries, b.id(), &proto::cursor_entry::machine_id);
    ASSERT_NE(entry, cursor.entries.end());
    EXPECT_EQ(entry->seq, 41);
    EXPECT_EQ(entry->log_id, "log_1");
}

TEST_F(fleet_polls, a_machine_that_says_nothing_is_named) {
    const auto a = add_log("a", 1);
    const auto b = add("b");  // answers nothing; the poll without waiting allows it two seconds
    const auto page = poll({{"timeout_ms", 0}});
    EXPECT_EQ(seen(page), list{"a1"});
    ASSERT_EQ(page["unreachable"].size(), 1U);
    EXPECT_EQ(page["unreachable"][0]["name"], "b");
    EXPECT_EQ(page["unreachable"][0]["reason"], "timeout");
}

TEST_F(fleet_polls, with_no_machine_it_waits_for_one_and_does_not_spin) {
    const auto a = add_log("a", 1);
    const auto page = poll({{"timeout_ms", 0}});
    unlink(a->b);
    const auto call = begin("poll_events", {{"timeout_ms", 30'000}, {"cursor", page["next_cursor"]}});
    settle();
    until([&] { return pool_.queued() == 0; });
    settle();
    EXPECT_FALSE(call->outcome);
    a->b.machine = dial(a->b.identity);
    serve(a);
    happen(a);
    finish(call);
    EXPECT_EQ(seen(call->value()), list{"a2"});
}

TEST_F(fleet_polls, without_any_machine_ever_it_says_so) {
    EXPECT_EQ(ask("poll_events", {{"timeout_ms", 0}})->error().code, error_code::machine_offline);
}

TEST_F(fleet_polls, every_event_once_of_more_machines_than_a_cursor_holds) {
    for (const char* name : {"a", "b", "c", "d"}) add_log(name, 1);
    list all;
    json arguments{{"timeout_ms", 0}};
    const auto go_on = [&] {
        const auto page = poll(arguments);
        for (const auto& e : seen(page)) all.push_back(e);
        arguments["cursor"] = page["next_cursor"];
    };
    go_on();
    for (const char* name : {"e", "f"}) add_log(name, 1);
    go_on();
    const auto kept = arguments["cursor"].get<std::string>();
    EXPECT_LT(kept.size(), 40U) << "short enough for a model to repeat";
    happen(logs_[0]);
    go_on();
    happen(logs_[5]);
    go_on();
    const auto last = arguments["cursor"];
    EXPECT_NE(last, kept);
    go_on();
    EXPECT_EQ(arguments["cursor"], last) << "nothing has moved";
    std::ranges::sort(all);
    EXPECT_EQ(all, (list{"a1", "a2", "b1", "c1", "d1", "e1", "f1", "f2"}));

    // Shown again, as after an answer that got lost.
    auto again = seen(poll({{"timeout_ms", 0}, {"cursor", kept}}));
    std::ranges::sort(again);
    EXPECT_EQ(again, (list{"a2", "f2"}));
}

TEST_F(fleet_polls, a_kept_cursor_is_good_for_one_machine_too) {
    for (const char* name : {"a", "b", "c", "d", "e"}) add_log(name, 1);
    const auto cursor = poll({{"timeout_ms", 0}})["next_cursor"];
    happen(logs_[4]);
    const auto page = poll({{"timeout_ms", 0}, {"limit", 9}, {"machine", "e"}, {"cursor", cursor}});
    ASSERT_EQ(page["events"].size(), 1U);
    EXPECT_EQ(page["events"][0]["seq"], 2);
    add_log("late");
    EXPECT_EQ(ask("poll_events", {{"machine", "late"}, {"cursor", cursor}})->error().code, error_code::cursor_invalid);
}

TEST_F(fleet_polls, waits_for_each_of_more_machines_than_are_asked_at_once) {
    for (std::size_t i = 0; i < proto::limits::fan_out_machines_max + 2; ++i) add_log("m" + std::to_string(i));
    const auto call = begin("poll_events", {{"timeout_ms", 30'000}});
    until([&] { return std::ranges::all_of(logs_, [](const auto& one) { return one->waiting.size() == 1; }); });
    happen(logs_.back());
    finish(call);
    EXPECT_EQ(call->value()["events"].size(), 1U);
}

TEST_F(fleet_polls, a_machine_that_was_revoked_ends_no_reader_of_the_others) {
    const auto a = add_log("a", 1);
    const auto b = add_log("b", 1);
    const auto cursor = poll({{"timeout_ms", 0}})["next_cursor"];
    ASSERT_TRUE(store_->revoke_machine(workspace_, b->b.id(), "user:ada"));
    happen(a);
    const auto page = poll({{"timeout_ms", 0}, {"cursor", cursor}});
    EXPECT_EQ(seen(page), list{"a2"});
    EXPECT_EQ(proto::decode_cursor(page["next_cursor"].get<std::string>())->entries.size(), 1U);
}

TEST_F(fleet_polls, kept_cursors_of_others_and_invented_ones_are_expired) {
    for (const char* name : {"a", "b", "c", "d", "e"}) add_log(name, 1);
    const auto cursor = poll({{"timeout_ms", 0}})["next_cursor"].get<std::string>();
    const auto elsewhere = store_->create_workspace("Elsewhere").value().id;
    ASSERT_TRUE(store_->set_membership(elsewhere, owner_, tenancy::role::owner));
    add("far", elsewhere);
    for (const auto& invented : {std::string("h_"), "h_" + std::string(26, 'x'), "h_" + std::string(900, 'x')})
        EXPECT_EQ(ask("poll_events", {{"timeout_ms", 0}, {"cursor", invented}})->error().code,
                  error_code::cursor_expired);
    const auto call = begin("poll_events", {{"timeout_ms", 0}, {"cursor", cursor}}, elsewhere);
    finish(call);
    EXPECT_EQ(call->error().code, error_code::cursor_expired);
}

TEST_F(fleet_polls, cursors_of_others_and_broken_ones_are_refused) {
    add_log("a", 1);
    const auto foreign = proto::encode_cursor({{{"m_elsewhere", "log_1", 5, 0}}});
    for (const std::string& cursor : {foreign, std::string("nonsense"), std::string("x")})
        EXPECT_EQ(ask("poll_events", {{"timeout_ms", 0}, {"cursor", cursor}})->error().code,
                  error_code::cursor_invalid);
}

TEST_F(fleet_polls, nonsense_from_a_machine_moves_no_cursor_but_its_own) {
    const auto a = add_log("a", 1);
    const auto b = add("b");
    const auto forged = proto::encode_cursor({{{a->b.id(), "log_1", 900, 0}}});
    for (const json& odd :
         {json{{"events", 7}}, json{{"events", {{"type", "t"}}}, {"next_cursor", 7}, {"has_more", "x"}},
          json{{"events", json::array()}, {"next_cursor", forged}, {"has_more", false}}}) {
        always(b, odd.dump());
        const auto page = poll({{"timeout_ms", 0}});
        const auto cursor = proto::decode_cursor(page["next_cursor"].get<std::string>()).value();
        const auto entry = std::ranges::find(cursor.entries, a->b.id(), &proto::cursor_entry::machine_id);
        ASSERT_NE(entry, cursor.entries.end());
        EXPECT_EQ(entry->seq, 1) << odd;
    }
}

TEST_F(fleet_polls, a_client_that_leaves_frees_the_machines) {
    const auto a = add_log("a");
    const auto call = begin("poll_events", {{"timeout_ms", 30'000}});
    until([&] { return a->waiting.size() == 1; });
    call->reply.cancel();
    finish(call);
    EXPECT_EQ(call->error().code, error_code::cancelled);
    until([&] { return a->b.machine->cancelled.size() == 1; });
}

TEST_F(fleet_polls, a_hub_that_stops_answers_at_once) {
    const auto a = add_log("a", 1);
    const auto page = poll({{"timeout_ms", 0}});
    const auto call = begin("poll_events", {{"timeout_ms", 30'000}, {"cursor", page["next_cursor"]}});
    until([&] { return a->waiting.size() == 1; });
    boost::asio::co_spawn(context_, host().drain(clock::now() + std::chrono::hours(1)), boost::asio::detached);
    finish(call);
    ASSERT_TRUE(*call->outcome);
    EXPECT_EQ(call->value()["next_cursor"], page["next_cursor"]);
    EXPECT_TRUE(call->value()["events"].empty());
}

}  // namespace
}  // namespace hub::relay
