// One call to many machines: answers, those that fail, are late, say too much or nothing sensible.
#include "hub/relay/fan_out.hpp"

#include "proto/limits.hpp"
#include "tests/hub/relay/relay_fixture.hpp"

namespace hub::relay {
namespace {

using nlohmann::json;
using proto::error_code;
using std::chrono::milliseconds;
using answers = std::vector<machine_answer>;

class fan_outs : public tests::relay_fixture {
protected:
    fan_out_request request(milliseconds timeout = milliseconds(60'000)) const {
        fan_out_request out;
        out.header.tool = "get_health";
        out.header.who = who();
        out.header.request_id = "req_1";
        out.arguments = {"{}"};
        out.timeout = timeout;
        return out;
    }
    std::vector<std::shared_ptr<links::link>> linked() const { return links_.of_workspace(workspace_); }
    // In the order of machine ids.
    std::vector<box> boxes(int n) {
        std::vector<box> out;
        for (int i = 0; i < n; ++i) out.push_back(add("box" + std::to_string(i)));
        std::ranges::sort(out, {}, &box::id);
        return out;
    }
    // Answers with this as fast as the hub takes it.
    void send(const box& b, const std::string& text) {
        b.machine->on_call = [this, m = b.machine.get(), text](const auto& c) {
            boost::asio::co_spawn(context_, send_all(m->shared_from_this(), c.id, text), boost::asio::detached);
        };
    }
    static boost::asio::awaitable<void> send_all(std::shared_ptr<tests::fake_machine> m, std::uint64_t id,
                                                 std::string text) {
        for (std::size_t sent = 0; sent < text.size() && m->link.is_open(id);) {
            sent += m->link.reply_chunk(id, std::string_view(text).substr(sent));
            m->act();
            co_await boost::asio::post(m->channel->executor(), boost::asio::use_awaitable);
        }
        m->link.finish(id);
        m->act();
    }
    error_code code(const machine_answer& a) { return a.result ? error_code::internal : a.result.error().code; }
};

TEST_F(fan_outs, every_machine_answers) {
    const auto all = boxes(3);
    for (const auto& b : all) always(b, R"({"id":")" + b.id() + R"("})");
    const auto got = run(fan_out(linked()).collect(request()));
    ASSERT_EQ(got.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(got[i].machine_id, all[i].id());
        EXPECT_EQ(got[i].machine_name, links_.find(all[i].id())->machine_name);
        EXPECT_EQ((*got[i].result)["id"], all[i].id());
    }
}

TEST_F(fan_outs, nobody_to_ask) { EXPECT_TRUE(run(fan_out({}).collect(request())).empty()); }

TEST_F(fan_outs, each_its_own_arguments) {
    const auto all = boxes(2);
    for (const auto& b : all) always(b, "{}");
    auto wanted = request();
    wanted.arguments = {R"({"n":0})", R"({"n":1})"};
    run(fan_out(linked()).collect(std::move(wanted)));
    EXPECT_EQ(all[0].machine->calls[0].arguments, R"({"n":0})");
    EXPECT_EQ(all[1].machine->calls[0].arguments, R"({"n":1})");
}

TEST_F(fan_outs, who_is_late_fails_are_lost_or_answer_nonsense_is_told_by_its_code) {
    const auto all = boxes(5);
    always(all[0], R"({"ok":true})");
    all[1].machine->on_call = [m = all[1].machine.get()](const auto& c) {
        m->fail(c.id, {error_code::resource_exhausted, "Busy.", {}, {}});
    };
    all[2].machine->on_call = [m = all[2].machine.get()](const auto&) { m->channel->cut(); };
    all[3].machine->on_call = [m = all[3].machine.get()](const auto& c) { m->result(c.id, R"({"content":[]})"); };
    // all[4] says nothing.
    const auto got = run(fan_out(linked()).collect(request(milliseconds(300))));
    EXPECT_TRUE(got[0].result);
    EXPECT_EQ(code(got[1]), error_code::resource_exhausted);
    EXPECT_EQ(code(got[2]), error_code::machine_offline);
    EXPECT_EQ(code(got[3]), error_code::internal);
    EXPECT_EQ(code(got[4]), error_code::timeout);
    until([&] { return all[4].machine->cancelled.size() == 1; });
}

TEST_F(fan_outs, an_answer_of_the_wrong_shape_harms_nobody) {
    const auto all = boxes(1);
    for (const char* odd : {R"({"structuredContent":7})", R"({"structuredContent":null})", R"({"other":{}})", "{}",
                            R"({"content":{"structuredContent":{}}})"}) {
        all[0].machine->on_call = [m = all[0].machine.get(), odd](const auto& c) { m->result(c.id, odd); };
        EXPECT_FALSE(run(fan_out(linked()).collect(request()))[0].result) << odd;
    }
}

TEST_F(fan_outs, enough_is_enough) {
    const auto all = boxes(3);
    always(all[1], R"({"first":true})");
    auto wanted = request();
    wanted.until = [](const machine_answer& a) { return a.result.has_value(); };
    const auto got = run(fan_out(linked()).collect(std::move(wanted)));
    EXPECT_TRUE(got[1].result);
    EXPECT_EQ(code(got[0]), error_code::cancelled);
    EXPECT_EQ(code(got[2]), error_code::cancelled);
    until([&] { return all[0].machine->cancelled.size() == 1 && all[2].machine->cancelled.size() == 1; });
}

TEST_F(fan_outs, whoever_asked_may_stop_waiting) {
    const auto all = boxes(2);
    fan_out asked(linked());
    std::optional<answers> got;
    boost::asio::co_spawn(context_, asked.collect(request()),
                          [&](const std::exception_ptr&, answers a) { got = std::move(a); });
    until([&] { return all[0].machine->calls.size() == 1 && all[1].machine->calls.size() == 1; });
    asked.stop();
    until([&] { return got.has_value(); });
    EXPECT_EQ(code((*got)[0]), error_code::cancelled);
    until([&] { return all[0].machine->cancelled.size() == 1; });
}

// The more machines are asked, the less each may say.
TEST_F(fan_outs, an_answer_that_is_too_large_is_cut_off) {
    const auto all = boxes(16);
    for (const auto& b : all) always(b, "{}");
    const auto most = std::max(proto::limits::result_bytes_max / all.size(), proto::limits::fan_out_answer_bytes_min);
    send(all[0],
         R"({"content":[],"structuredContent":{"x":")" + std::string(most + proto::limits::mib, 'x') + R"("}})");
    const auto got = run(fan_out(linked()).collect(request()));
    EXPECT_EQ(code(got[0]), error_code::resource_exhausted);
    for (std::size_t i = 1; i < all.size(); ++i) EXPECT_TRUE(got[i].result) << i;
    until([&] { return all[0].machine->cancelled.size() == 1; });
    EXPECT_EQ(all[0].machine->closed, 0) << "a large answer is no violation";
}

TEST_F(fan_outs, an_answer_of_too_many_values_is_not_built) {
    const auto all = boxes(2);
    const auto nest = [](std::size_t n) {
        std::string list = R"({"structuredContent":{"list":[0)";
        for (std::size_t i = 0; i < n; ++i) list += ",0";
        return list + "]}}";
    };
    send(all[0], nest(proto::limits::fan_out_nodes_max + 10));
    send(all[1], nest(1000));
    const auto got = run(fan_out(linked()).collect(request()));
    EXPECT_EQ(code(got[0]), error_code::resource_exhausted);
    ASSERT_TRUE(got[1].result);
    EXPECT_EQ((*got[1].result)["list"].size(), 1001U);
}

TEST_F(fan_outs, asks_no_more_than_so_many_at_once) {
    constexpr int n = static_cast<int>(proto::limits::fan_out_machines_max) + 4;
    const auto all = boxes(n);
    std::optional<answers> got;
    boost::asio::co_spawn(context_, fan_out(linked()).collect(request()),
                          [&](const std::exception_ptr&, answers a) { got = std::move(a); });
    const auto asked = [&] {
        return std::ranges::count_if(all, [](const box& b) { return !b.machine->calls.empty(); });
    };
    until([&] { return asked() == proto::limits::fan_out_machines_max; });
    settle();
    EXPECT_EQ(asked(), proto::limits::fan_out_machines_max);
    for (const auto& b : all) {
        if (!b.machine->calls.empty())
            b.machine->answer(b.machine->calls[0].id, "{}");
        else
            always(b, "{}");
    }
    until([&] { return got.has_value(); });
    EXPECT_TRUE(std::ranges::all_of(*got, [](const auto& a) { return a.result.has_value(); }));
}

}  // namespace
}  // namespace hub::relay
