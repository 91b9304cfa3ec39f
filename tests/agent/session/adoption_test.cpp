// Sessions that claude left on the disk, taken over.
#include <algorithm>
#include <cctype>

#include "tests/agent/session/engine_fixture.hpp"

namespace agent::session {
namespace {

using proto::error_code;

constexpr const char* id = "11111111-2222-4333-8444-555555555555";

class Adoption : public tests::engine_fixture {
protected:
    adoption what() const {
        adoption out;
        out.session_id = id;
        out.cwd = (root_ / "project").string();
        out.title = "From the terminal";
        out.permission_mode = "acceptEdits";
        out.created_at_ms = 1000;
        out.last_message_at_ms = 2000;
        out.transcript_end = 345;
        return out;
    }
    // Where claude keeps it.
    void leave_transcript() {
        std::string slug = (root_ / "project").string();
        for (char& c : slug)
            if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
        const auto directory = root_ / ".claude/projects" / slug;
        std::filesystem::create_directories(directory);
        std::ofstream(directory / (std::string(id) + ".jsonl")) << "{}\n";
    }
};

TEST_F(Adoption, IsIdleUntilAPromptResumesIt) {
    leave_transcript();
    ASSERT_TRUE(get(engine_->adopt_session(what(), who())));
    EXPECT_TRUE(machine_.spawned.empty());
    const auto known = get(engine_->get(id));
    ASSERT_TRUE(known);
    EXPECT_EQ(known->session.status, "idle");
    EXPECT_EQ(known->session.title, "From the terminal");
    EXPECT_EQ(known->session.created_at_ms, 1000);
    EXPECT_EQ(known->session.last_message_at_ms, 2000);
    EXPECT_EQ(known->session.transcript_base, 345);
    EXPECT_EQ(count(id, "session.created"), 1u);

    const auto sent = send(id, "go on");
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(sent->via, "resume");
    const auto& argv = machine_.spawned.at(0).argv;
    EXPECT_NE(std::ranges::find(argv, std::string("--resume=") + id), argv.end());
    EXPECT_NE(std::ranges::find(argv, "--permission-mode=acceptEdits"), argv.end());
    EXPECT_EQ(get(engine_->get(id))->session.transcript_base, 345);
}

TEST_F(Adoption, TwiceIsOnceAlsoAtTheSameTime) {
    int done = 0;
    for (int i = 0; i < 3; ++i)
        boost::asio::co_spawn(io_, engine_->adopt_session(what(), who()),
                              [&](std::exception_ptr, proto::result<void> adopted) {
                                  EXPECT_TRUE(adopted);
                                  ++done;
                              });
    turn_until([&] { return done == 3; });
    EXPECT_EQ(count(id, "session.created"), 1u);
    restart();
    ASSERT_TRUE(get(engine_->adopt_session(what(), who())));
    EXPECT_EQ(count(id, "session.created"), 1u);
    EXPECT_EQ(get(engine_->get(id))->session.title, "From the terminal");
}

TEST_F(Adoption, DoesNotTouchALiveSession) {
    const auto session = create();
    auto other = what();
    other.session_id = session;
    ASSERT_TRUE(get(engine_->adopt_session(other, who())));
    const auto known = get(engine_->get(session));
    EXPECT_EQ(known->session.status, "live");
    EXPECT_EQ(known->session.transcript_base, 0);
}

TEST_F(Adoption, RefusesBadRequestsAndAFullDisk) {
    const auto code = [&](auto change) {
        auto request = what();
        change(request);
        const auto done = get(engine_->adopt_session(request, who()));
        return done ? "done" : proto::to_string(done.error().code);
    };
    EXPECT_EQ(code([](auto& a) { a.session_id = "../x"; }), "invalid_argument");
    EXPECT_EQ(code([](auto& a) { a.cwd = "relative"; }), "invalid_argument");
    EXPECT_EQ(code([](auto& a) { a.permission_mode = "bypassPermissions"; }), "invalid_argument");
    log_->failing_appends = 1;
    EXPECT_EQ(code([](auto&) {}), "internal");
    EXPECT_EQ(get(engine_->get(id)).error().code, error_code::not_found);
    EXPECT_EQ(code([](auto&) {}), "done");
}

}  // namespace
}  // namespace agent::session
