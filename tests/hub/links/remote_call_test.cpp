// Calls over a link: results in pieces, credit, progress, the ends that are not good, and bounded memory throughout.
#include "hub/links/remote_call.hpp"

#include "proto/limits.hpp"
#include "tests/hub/links/hub_fixture.hpp"

namespace hub::links {
namespace {

using proto::error_code;
using namespace std::chrono_literals;

class remote_calls : public tests::hub_fixture {
protected:
    void SetUp() override {
        identity_of_machine_ = enrol("box");
        machine_ = link_up(identity_of_machine_);
        link_ = links_.find(identity_of_machine_.id);
        ASSERT_TRUE(link_);
    }

    proto::call_header header_of(const std::string& tool) const {
        proto::call_header header;
        header.tool = tool;
        header.who = who();
        header.request_id = "req_1";
        return header;
    }
    std::shared_ptr<remote_call> call(const std::string& tool = "get_session", const std::string& arguments = "{}") {
        const auto header = header_of(tool);
        const auto before = machine_->calls.size();
        auto made = link_->call(header, arguments);
        EXPECT_TRUE(made) << made.error().message;
        until([&] { return machine_->calls.size() == before + 1; });
        return *made;
    }

    auto next(const std::shared_ptr<remote_call>& of) { return run(of->next()); }

    // All bytes up to the end.
    std::string whole(const std::shared_ptr<remote_call>& of) {
        std::string bytes;
        for (auto part = next(of); part && *part; part = next(of))
            if (const auto* piece = std::get_if<std::string>(&**part)) bytes += *piece;
        return bytes;
    }

    tests::machine_identity identity_of_machine_;
    std::shared_ptr<tests::fake_machine> machine_;
    std::shared_ptr<link> link_;
};

TEST_F(remote_calls, nobody_of_another_workspace_gets_through) {
    auto header = header_of("get_session");
    header.who.workspace_id = "w_other";
    EXPECT_EQ(link_->call(header, "{}").error().code, error_code::not_found);
    EXPECT_TRUE(machine_->calls.empty());
}

TEST_F(remote_calls, a_result_arrives_whole) {
    const auto one = call();
    machine_->result(machine_->calls.back().id, R"({"ok":true})");
    EXPECT_EQ(whole(one), R"({"ok":true})");
    EXPECT_FALSE(*next(one)) << "the end stays the end";
}

TEST_F(remote_calls, pieces_that_nobody_has_taken_yet_are_one_part) {
    const auto one = call();
    const auto id = machine_->calls.back().id;
    const std::string text = R"({"text":")" + std::string(5000, 'x') + R"("})";
    for (const char c : text) {
        machine_->link.reply_chunk(id, std::string_view(&c, 1));
        machine_->act();
    }
    machine_->link.finish(id);
    machine_->act();
    settle();
    const auto part = next(one);
    ASSERT_TRUE(part && *part);
    EXPECT_EQ(std::get<std::string>(**part), text);
    EXPECT_FALSE(*next(one));
}

TEST_F(remote_calls, of_progress_only_the_newest_is_kept_and_it_comes_before_the_result) {
    const auto one = call();
    const auto id = machine_->calls.back().id;
    for (int i = 1; i <= 100; ++i) {
        machine_->link.progress(id, {double(i), std::nullopt, "step"});
        machine_->act();
    }
    machine_->result(id, R"({"ok":true})");
    settle();
    const auto part = next(one);
    ASSERT_TRUE(part && *part);
    EXPECT_EQ(std::get<proto::progress_update>(**part).progress, 100);
    EXPECT_EQ(whole(one), R"({"ok":true})");
}

boost::asio::awaitable<void> take_all(std::shared_ptr<remote_call> from, std::string& into, bool& ended) {
    for (auto part = co_await from->next(); part && *part; part = co_await from->next())
        into += std::get<std::string>(**part);
    ended = true;
}

TEST_F(remote_calls, a_large_result_flows_as_fast_as_it_is_taken) {
    const auto one = call();
    const auto id = machine_->calls.back().id;
    const std::string text = R"({"text":")" + std::string(proto::limits::mib, 'x') + R"("})";
    std::size_t sent = 0;
    const auto send = [&] {
        const auto more = machine_->link.reply_chunk(id, std::string_view(text).substr(sent));
        sent += more;
        if (more > 0 && sent == text.size()) machine_->link.finish(id);
        machine_->act();
    };
    for (int i = 0; i < 3; ++i) {
        send();
        settle();
        EXPECT_EQ(sent, proto::limits::call_credit_bytes) << "nobody takes anything";
    }
    std::string taken;
    bool ended = false;
    boost::asio::co_spawn(context_, take_all(one, taken, ended), boost::asio::detached);
    until([&] {
        if (sent < text.size()) send();
        EXPECT_LE(sent - taken.size(), proto::limits::call_credit_bytes);
        return ended;
    });
    EXPECT_TRUE(taken == text);
}

TEST_F(remote_calls, a_failure_of_the_machine_is_told) {
    const auto one = call();
    machine_->fail(machine_->calls.back().id, {error_code::not_found, "There is no session.", "Look.", {}});
    const auto part = next(one);
    ASSERT_FALSE(part);
    EXPECT_EQ(part.error().error.code, error_code::not_found);
    EXPECT_FALSE(part.error().link_lost);
}

TEST_F(remote_calls, cancelling_tells_the_machine_and_ends_the_waiting) {
    const auto one = call();
    const auto id = machine_->calls.back().id;
    one->cancel({error_code::cancelled, "Enough.", {}, {}});
    one->cancel({error_code::timeout, "Again.", {}, {}});
    EXPECT_EQ(next(one).error().error.code, error_code::cancelled);
    until([&] { return !machine_->cancelled.empty(); });
    EXPECT_EQ(machine_->cancelled, std::vector{id});
    machine_->result(id, R"({"late":true})");  // crossed the cancellation
    settle();
    EXPECT_EQ(machine_->closed, 0);
}

TEST_F(remote_calls, a_whole_result_that_was_not_taken_can_still_be_given_up) {
    const auto one = call();
    machine_->result(machine_->calls.back().id, R"({"ok":true})");
    settle();
    one->cancel({error_code::cancelled, "Enough.", {}, {}});
    EXPECT_EQ(next(one).error().error.code, error_code::cancelled);
}

TEST_F(remote_calls, a_lost_link_is_told_after_the_bytes_that_came) {
    const auto one = call();
    const auto waiting = call();
    machine_->link.reply_chunk(machine_->calls.front().id, R"({"half":)");
    machine_->act();
    settle();
    machine_->channel->cut();
    EXPECT_EQ(std::get<std::string>(**next(one)), R"({"half":)");
    for (const auto& lost : {one, waiting}) {
        const auto part = next(lost);
        ASSERT_FALSE(part);
        EXPECT_TRUE(part.error().link_lost);
        EXPECT_EQ(part.error().error.code, error_code::machine_offline);
    }
    EXPECT_FALSE(links_.find(identity_of_machine_.id));
    EXPECT_FALSE(link_->call(header_of("get_session"), "{}")) << "a link that is over takes no call";
}

TEST_F(remote_calls, what_a_machine_does_not_take_is_bounded) {
    machine_->channel->stop_taking();
    proto::call_header header;
    header.tool = "send_prompt";
    header.who = who();
    header.request_id = "req_1";
    const std::string large = R"({"text":")" + std::string(proto::limits::mib, 'x') + R"("})";
    std::vector<std::shared_ptr<remote_call>> made;
    for (int i = 0; i < 100; ++i) {
        auto one = link_->call(header, large);
        if (!one) {
            EXPECT_EQ(one.error().code, error_code::resource_exhausted);
            break;
        }
        made.push_back(*one);
        settle();
    }
    EXPECT_LT(made.size(), 8U) << "a few MiB wait, not a hundred";
    EXPECT_GE(made.size(), 2U);
    machine_->channel->take_again();
    until([&] { return machine_->calls.size() == made.size(); });
    EXPECT_TRUE(link_->call(header, large)) << "there is room again";
}

TEST_F(remote_calls, a_drained_link_ends_waits_and_closes_when_the_rest_is_answered) {
    const auto poll = call("poll_events");
    poll->end_on_drain();
    const auto poll_id = machine_->calls.back().id;
    const auto work = call("send_prompt");
    link_->drain();
    EXPECT_EQ(next(poll).error().error.code, error_code::route_unavailable);
    until([&] { return machine_->draining && !machine_->cancelled.empty(); });
    EXPECT_EQ(machine_->cancelled, std::vector{poll_id});
    EXPECT_EQ(link_->call(header_of("get_session"), "{}").error().code, error_code::route_unavailable);
    EXPECT_EQ(machine_->closed, 0);
    machine_->result(machine_->calls.back().id, R"({"ok":true})");
    EXPECT_EQ(whole(work), R"({"ok":true})");
    until([&] { return machine_->closed != 0; });
    EXPECT_EQ(machine_->closed, 4503);
}

class bodies : public remote_calls {
protected:
    std::shared_ptr<remote_call> upload(std::size_t bytes) {
        proto::call_header header;
        header.tool = "codez.upload";
        header.who = who();
        header.request_id = "req_1";
        header.body_bytes = bytes;
        const auto before = machine_->calls.size();
        auto made = link_->call(header, "{}");
        EXPECT_TRUE(made) << made.error().message;
        until([&] { return machine_->calls.size() == before + 1; });
        return *made;
    }
};

TEST_F(bodies, go_on_as_the_machine_takes_them) {
    constexpr auto window = proto::limits::call_credit_bytes;
    const auto one = upload(2 * window);
    const auto id = machine_->calls.back().id;
    std::optional<bool> sent;
    boost::asio::co_spawn(context_, one->send_body(std::string(2 * window, 'b'), 1h),
                          [&](const std::exception_ptr&, bool ok) { sent = ok; });
    until([&] { return machine_->bodies[id].size() == window; });
    settle();
    EXPECT_EQ(machine_->bodies[id].size(), window);
    EXPECT_FALSE(sent) << "waits for credit";
    machine_->link.grant_body(id, window);
    machine_->act();
    until([&] { return sent.has_value(); });
    EXPECT_TRUE(*sent);
    settle();
    EXPECT_EQ(machine_->bodies[id].size(), 2 * window);
    machine_->result(id, R"({"ok":true})");
    EXPECT_EQ(whole(one), R"({"ok":true})");
}

TEST_F(bodies, end_when_the_machine_says_no_or_is_lost) {
    constexpr auto window = proto::limits::call_credit_bytes;
    for (const bool lost : {false, true}) {
        const auto one = upload(2 * window);
        const auto id = machine_->calls.back().id;
        std::optional<bool> sent;
        boost::asio::co_spawn(context_, one->send_body(std::string(2 * window, 'b'), 1h),
                              [&](const std::exception_ptr&, bool ok) { sent = ok; });
        until([&] { return machine_->bodies[id].size() == window; });
        if (lost)
            link_->close(proto::close_code::going_away, "test");
        else
            machine_->fail(id, {error_code::resource_exhausted, "Full.", "", ""});
        until([&] { return sent.has_value(); });
        EXPECT_FALSE(*sent);
        EXPECT_EQ(next(one).error().link_lost, lost);
    }
}

TEST_F(bodies, end_when_the_machine_takes_no_more) {
    constexpr auto window = proto::limits::call_credit_bytes;
    const auto one = upload(2 * window);
    const auto id = machine_->calls.back().id;
    bool is_told = false;
    one->on_over([&] { is_told = true; });
    std::optional<bool> sent;
    boost::asio::co_spawn(context_, one->send_body(std::string(2 * window, 'b'), 1ms),
                          [&](const std::exception_ptr&, bool ok) { sent = ok; });
    until([&] { return sent.has_value(); });
    EXPECT_FALSE(*sent);
    EXPECT_TRUE(is_told);
    EXPECT_EQ(next(one).error().error.code, error_code::timeout);
    until([&] { return machine_->cancelled == std::vector<std::uint64_t>{id}; });
    EXPECT_LE(machine_->bodies[id].size(), window);
}

}  // namespace
}  // namespace hub::links
