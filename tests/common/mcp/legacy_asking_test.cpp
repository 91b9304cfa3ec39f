// Questions of the revisions up to 2025-11-25: requests on the call's stream, answered by POSTs of their own.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

using outcome = boost::asio::awaitable<proto::result<void>>;
using state = input_outcome::state;

constexpr std::string_view form = R"({"message":"Who?","requestedSchema":{"type":"object","properties":{}}})";
constexpr const char* all_abilities = R"({"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}})";

// A call that asks two things at once, and what came of it.
struct asking_call {
    explicit asking_call(harness& h) {
        h.backend.scripted = [this](const tool_call&, call_reply& reply) -> outcome {
            current = &reply;
            std::vector<input_request> questions{{"who", input_kind::elicitation, std::string(form)},
                                                 {"roots", input_kind::roots, ""}};
            seen = co_await reply.ask(std::move(questions), "state");
            current = nullptr;
            co_await reply.write(text_result);
            co_return proto::result<void>{};
        };
    }
    call_reply* current = nullptr;
    input_outcome seen;
};

std::string answer_body(const nlohmann::json& id, std::string_view raw_result) {
    return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})", id.dump(), raw_result);
}

class legacy_asking : public testing::Test {
protected:
    void begin(std::string_view version = "2025-11-25") {
        session_ = {{"Mcp-Session-Id", h_.initialize(version, all_abilities)}};
        call_ = h_.make_post(call_body("scripted"), session_);
        h_.begin(*call_);
        h_.run_until([&] { return sent().size() >= 2; });
    }
    std::vector<nlohmann::json> sent() const { return call_->events().messages; }
    int answer(const nlohmann::json& id, std::string_view raw_result, const net::http_fields& fields) {
        return answer_as(h_.who, answer_body(id, raw_result), fields);
    }
    int answer_as(const proto::principal& who, std::string body, const net::http_fields& fields) {
        const auto exchange = h_.make_post(std::move(body), fields);
        h_.begin(*exchange, who);
        h_.run_to_end(*exchange);
        h_.io.poll();
        return exchange->status;
    }

    harness h_;
    asking_call asking_{h_};
    net::http_fields session_;
    std::unique_ptr<fake_exchange> call_;
};

TEST_F(legacy_asking, the_answers_reach_the_call_that_waits) {
    for (const char* version : {"2025-11-25", "2025-06-18"}) {
        begin(version);
        const auto questions = sent();
        EXPECT_EQ(questions[0]["method"], "elicitation/create");
        EXPECT_EQ(questions[0]["params"], nlohmann::json::parse(form));
        EXPECT_EQ(questions[1]["method"], "roots/list");
        EXPECT_TRUE(questions[0]["id"].is_string());
        EXPECT_NE(questions[0]["id"], questions[1]["id"]);
        EXPECT_EQ(answer(questions[1]["id"], R"({"roots":[]})", session_), 202);
        EXPECT_FALSE(call_->is_answered());
        // An answer may come without the session's id, and an error is an answer.
        EXPECT_EQ(answer_as(h_.who,
                            fmt::format(R"({{"jsonrpc":"2.0","id":{},"error":{{"code":-1,"message":"no"}}}})",
                                        questions[0]["id"].dump()),
                            {}),
                  202);
        h_.run();
        EXPECT_EQ(asking_.seen.what, state::answered);
        ASSERT_EQ(asking_.seen.answers.size(), 2u);
        EXPECT_EQ(asking_.seen.answers[0].key, "who");
        EXPECT_EQ(asking_.seen.answers[0].result, "");
        EXPECT_EQ(asking_.seen.answers[1].result, R"({"roots":[]})");
        EXPECT_EQ(sent().size(), 3u);
    }
}

TEST_F(legacy_asking, nobody_else_can_answer_and_once_is_enough) {
    begin();
    const auto questions = sent();
    const std::string first = answer_body(questions[0]["id"], R"({"action":"accept"})");
    EXPECT_EQ(answer_as(h_.stranger, first, {}), 202);
    for (const char* id : {"7", R"("")", R"("00")", R"("nonsense")"}) {
        EXPECT_EQ(answer_as(h_.who, fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{}}}})", id), session_), 202);
    }
    EXPECT_EQ(answer_as(h_.who, first, session_), 202);
    EXPECT_EQ(answer_as(h_.who, answer_body(questions[0]["id"], R"({"action":"decline"})"), session_), 202);
    EXPECT_FALSE(call_->is_answered());
    EXPECT_EQ(answer(questions[1]["id"], R"({"roots":[]})", session_), 202);
    h_.run();
    EXPECT_EQ(asking_.seen.answers[0].result, R"({"action":"accept"})");
}

TEST_F(legacy_asking, what_was_answered_elsewhere_is_withdrawn) {
    begin();
    const auto questions = sent();
    EXPECT_EQ(answer(questions[0]["id"], R"({"action":"accept"})", session_), 202);
    ASSERT_NE(asking_.current, nullptr);
    asking_.current->withdraw();
    h_.run();
    EXPECT_EQ(asking_.seen.what, state::withdrawn);
    const auto all = sent();
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(all[2]["method"], "notifications/cancelled");
    EXPECT_EQ(all[2]["params"]["requestId"], questions[1]["id"]);
    expect_response(all[3], 7);
}

TEST_F(legacy_asking, a_cancelled_call_waits_no_longer) {
    begin();
    EXPECT_EQ(
        answer_as(h_.who, R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})", session_),
        202);
    h_.run();
    EXPECT_EQ(asking_.seen.what, state::unanswered);
}

TEST(legacy_asking_alone, waits_no_longer_than_allowed) {
    engine_options options;
    options.question_wait_max = std::chrono::milliseconds(0);
    harness h(options);
    asking_call asking(h);
    const net::http_fields session{{"Mcp-Session-Id", h.initialize("2025-11-25", all_abilities)}};
    const auto call = h.post(call_body("scripted"), session);
    EXPECT_EQ(asking.seen.what, state::unanswered);
    EXPECT_EQ(call->events().messages.size(), 5u);
}

TEST(legacy_asking_alone, needs_room_for_the_question_and_a_stream) {
    engine_options options;
    options.questions_waiting_max = 1;
    harness h(options);
    asking_call asking(h);
    const std::string id = h.initialize("2025-11-25", all_abilities);
    h.post(call_body("scripted"), {{"Mcp-Session-Id", id}});
    EXPECT_EQ(asking.seen.what, state::unsupported);
    harness roomy;
    asking_call other(roomy);
    const std::string session = roomy.initialize("2025-11-25", all_abilities);
    roomy.post(call_body("scripted"), {{"Mcp-Session-Id", session}, {"Accept", "application/json"}});
    EXPECT_EQ(other.seen.what, state::unsupported);
}

TEST(legacy_asking_alone, the_answer_to_another_replica_is_handed_on) {
    std::vector<std::string> forwarded;
    engine_options options;
    options.replica = "hub 2";
    options.forward_answer = [&](std::string_view replica, std::string_view question, std::string_view result) {
        forwarded = {std::string(replica), std::string(question), std::string(result)};
    };
    harness here;
    harness there(options);
    asking_call asking(here);
    const net::http_fields session{{"Mcp-Session-Id", here.initialize("2025-11-25", all_abilities)}};
    const auto call = here.make_post(call_body("scripted"), session);
    here.begin(*call);
    here.run_until([&] { return call->events().messages.size() == 2; });
    for (const nlohmann::json& question : call->events().messages) {
        there.post(answer_body(question["id"], R"({"roots":[]})"));
        ASSERT_EQ(forwarded.size(), 3u);
        EXPECT_EQ(forwarded[0], "1");
        EXPECT_FALSE(there.subject.take_answer(forwarded[1], forwarded[2]));
        EXPECT_TRUE(here.subject.take_answer(forwarded[1], forwarded[2]));
        EXPECT_FALSE(here.subject.take_answer(forwarded[1], forwarded[2]));
    }
    here.run();
    EXPECT_EQ(asking.seen.what, state::answered);
}

TEST(legacy_asking_alone, an_elicitation_by_url_has_the_name_that_its_revision_wants) {
    harness h;
    h.backend.scripted = [](const tool_call&, call_reply& reply) -> outcome {
        std::vector<input_request> questions{
            {"go", input_kind::elicitation, R"({"mode":"url","url":"https://x.example","message":"Go."})"}};
        std::ignore = co_await reply.ask(std::move(questions), "");
        co_await reply.write(text_result);
        co_return proto::result<void>{};
    };
    const net::http_fields session{{"Mcp-Session-Id", h.initialize("2025-11-25", all_abilities)}};
    const auto call = h.make_post(call_body("scripted"), session);
    h.begin(*call);
    h.run_until([&] { return call->events().messages.size() == 1; });
    const nlohmann::json question = call->events().messages[0];
    EXPECT_TRUE(question["params"]["elicitationId"].is_string());
    const auto answer = h.make_post(answer_body(question["id"], R"({"action":"accept"})"));
    h.begin(*answer);
    h.run();
}

TEST(legacy_asking_alone, a_session_keeps_what_its_client_can_and_old_sessions_can_nothing) {
    harness h;
    client_abilities able;
    able.elicitation_form = able.elicitation_url = able.sampling = able.roots = true;
    const std::string session = h.initialize("2025-11-25", all_abilities);
    h.post(call_body("echo"), {{"Mcp-Session-Id", session}});
    h.post(call_body("echo"));
    ASSERT_EQ(h.backend.calls.size(), 2u);
    EXPECT_EQ(h.backend.calls[0].client, able);
    EXPECT_EQ(h.backend.calls[1].client, client_abilities{});
    // As the first release sealed them.
    std::string old;
    for (const char c : std::string("mcp-session-1/w_1/u_1/k_1") + "2025-11-25 name") {
        old += fmt::format("{:02x}", static_cast<unsigned char>(c));
    }
    EXPECT_EQ(h.post(call_body("echo"), {{"Mcp-Session-Id", old}})->status, 200);
    EXPECT_EQ(h.backend.calls[2].client, client_abilities{});
}

}  // namespace
}  // namespace common::mcp::test
