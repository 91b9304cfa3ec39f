// The tools on a fake engine, with a real log, journal, policy and claude directory, called as the engine of MCP and the
// link call them. restart() is what a crash of the agent is to the tools.
#pragma once

#include <fstream>
#include <memory>
#include <optional>

#include <boost/asio/this_coro.hpp>

#include "agent/tools/tool_runner.hpp"
#include "proto/catalogue.hpp"
#include "proto/limits.hpp"
#include "proto/schema.hpp"
#include "tests/agent/events/log_fixture.hpp"
#include "tests/agent/tools/fake_engine.hpp"

namespace agent::tools::test {

using nlohmann::json;

class collected_reply final : public common::mcp::call_reply {
public:
    boost::asio::awaitable<bool> write(std::string_view piece) override {
        if (gone) co_return false;
        pieces.emplace_back(piece);
        co_return true;
    }
    boost::asio::awaitable<bool> progress(double, std::optional<double>, std::string) override {
        ++progressed;
        co_return !gone;
    }
    void on_cancel(std::function<void()> listener) override { cancel = std::move(listener); }
    // Answers by `answer`, if there is one; else waits until the question is taken back.
    boost::asio::awaitable<common::mcp::input_outcome> ask(std::vector<common::mcp::input_request> questions,
                                                           std::string state) override {
        using outcome = common::mcp::input_outcome;
        asked.push_back(questions.at(0));
        states.push_back(std::move(state));
        if (answer) {
            auto given = answer();
            for (auto& one : given.answers) one.key = asked.back().key;
            co_return given;
        }
        common::async::event_signal taken_back(co_await boost::asio::this_coro::executor);
        withdraws = &taken_back;
        std::ignore = co_await taken_back.wait();
        withdraws = nullptr;
        co_return outcome{outcome::state::withdrawn, {}};
    }
    void withdraw() override {
        if (withdraws) withdraws->notify_all();
    }
    std::string text() const {
        std::string out;
        for (const auto& piece : pieces) out += piece;
        return out;
    }

    std::vector<std::string> pieces;
    int progressed = 0;
    bool gone = false;
    std::vector<common::mcp::input_request> asked;
    std::vector<std::string> states;
    std::function<common::mcp::input_outcome()> answer;
    common::async::event_signal* withdraws = nullptr;  // while a question waits
    std::function<void()> cancel;
};

// One call and what it needs for as long as it runs.
struct call_of {
    std::string tool;
    json arguments = json::object();
    std::string key{};
    proto::principal who = principal("ada");
    bool remote = true;
    int depth = 0;
    bool wants_progress = false;
    bool takes_forms = false;
    std::string state{};

    static proto::principal principal(std::string client) {
        proto::principal out;
        out.workspace_id = "w";
        out.user_id = "u";
        out.client_id = std::move(client);
        out.scopes = {"mcp:tools"};
        return out;
    }
};

class tools_test : public events::test::log_test {
protected:
    tools_test() {
        std::filesystem::create_directories(work() / "project");
        std::filesystem::create_directories(directory_.path() / "claude/projects");
        std::filesystem::create_directories(directory_.path() / "outside");
        set_policy("");
        restart();
    }

    std::filesystem::path work() const { return std::filesystem::canonical(directory_.path()) / "work"; }
    std::string project() const { return (work() / "project").string(); }

    void set_policy(const std::string& more) {
        std::filesystem::create_directories(work());
        std::ofstream(directory_.path() / "agent.toml") << "roots = [\"" << work().string() << "\"]\n" << more;
        rules_ = policy::load(directory_.path() / "agent.toml", directory_.path() / "none.toml").value();
    }
    void restart(handlers by_name = all_handlers()) {
        runner_.reset();
        open();
        log_now_ = log_.get();
        services s;
        s.sessions = &engine_;
        s.log = log_.get();
        s.pool = &pool_;
        s.rules = &rules_;
        s.machine = &machine_;
        s.claude_config = directory_.path() / "claude";
        repairs_ = std::make_unique<events::repairs>(io_.get_executor(), *log_);
        s.repairs = repairs_.get();
        s.link = [this] { return link_; };
        s.state_directory = directory_.path();
        s.git_pool = &pool_;
        s.bases = &bases_;
        runner_ = std::make_unique<tool_runner>(io_.get_executor(), std::move(s), std::move(by_name));
        const auto recovered = await(runner_->recover());
        ASSERT_TRUE(recovered) << recovered.error().message;
    }

    using outcome = proto::result<std::string>;
    using pending = std::shared_ptr<std::optional<outcome>>;

    // The structuredContent, after the whole answer was looked at; or the error.
    boost::asio::awaitable<outcome> run_call(call_of what, std::shared_ptr<collected_reply> reply) {
        if (!what.key.empty()) what.arguments["idempotency_key"] = what.key;
        const std::string arguments = what.arguments.dump();
        common::mcp::tool_call call;
        call.tool = what.tool;
        call.arguments = arguments;
        call.who = &what.who;
        call.request_id = "req_1";
        call.depth = what.depth;
        call.wants_progress = what.wants_progress;
        call.client.elicitation_form = what.takes_forms;
        call.state = what.state;
        common::mcp::backend& side = what.remote ? runner_->remote() : *runner_;
        auto done = co_await side.call(call, *reply);
        if (!done) co_return std::unexpected(std::move(done.error()));
        if (reply->pieces.empty()) co_return std::string();  // the call comes again
        co_return checked(what.tool, reply->text());
    }
    static std::string checked(const std::string& tool, const std::string& text) {
        const json result = json::parse(text, nullptr, false);
        EXPECT_TRUE(result.is_object()) << text;
        if (!result.is_object()) return {};
        const json& value = result["structuredContent"];
        EXPECT_EQ(json::parse(result["content"][0]["text"].get<std::string>(), nullptr, false), value);
        if (const auto* declared = proto::tools().find(tool)) {
            const auto valid = proto::validate(declared->output_schema, value);
            EXPECT_TRUE(valid) << tool << ": " << valid.error().message << "\n" << value.dump(2);
        }
        return value.dump();
    }

    pending begin(call_of what, std::shared_ptr<collected_reply> reply = std::make_shared<collected_reply>()) {
        return events::test::start(io_, run_call(std::move(what), std::move(reply)));
    }
    outcome finish(const pending& started) { return events::test::finish(io_, started); }
    outcome call(call_of what) { return finish(begin(std::move(what))); }
    template <class Condition>
    void run_until(Condition condition) {
        io_.restart();
        while (!condition())
            if (io_.run_one() == 0) throw std::logic_error("nothing happens any more");
    }
    json value(call_of what) {
        const auto got = call(std::move(what));
        EXPECT_TRUE(got) << got.error().message;
        return got ? json::parse(*got) : json();
    }
    proto::error_code code(call_of what) {
        const auto got = call(std::move(what));
        EXPECT_FALSE(got) << *got;
        return got ? proto::error_code::internal : got.error().code;
    }

    // A session that claude left on the disk.
    std::filesystem::path leave_transcript(const std::string& id, const std::string& cwd,
                                           const std::vector<std::string>& texts) {
        std::string slug = cwd;
        for (char& c : slug)
            if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '-';
        const auto directory = directory_.path() / "claude/projects" / slug;
        std::filesystem::create_directories(directory);
        std::ofstream out(directory / (id + ".jsonl"));
        int n = 0;
        for (const auto& text : texts) {
            json record{{"type", "user"},
                        {"uuid", id.substr(0, 24) + fmt::format("{:012}", ++n)},
                        {"sessionId", id},
                        {"timestamp", "2026-11-21T05:10:55.825Z"},
                        {"cwd", cwd},
                        {"isSidechain", false},
                        {"promptSource", "sdk"},
                        {"message", {{"role", "user"}, {"content", text}}}};
            out << record.dump() << '\n';
        }
        return directory / (id + ".jsonl");
    }

    policy rules_;
    machine_identity machine_{"m_1", "laptop"};
    common::async::blocking_pool pool_{2, 64};
    events::log* log_now_ = nullptr;
    std::unique_ptr<events::repairs> repairs_;
    std::pair<bool, std::string> link_{true, "Linked."};
    git::diff_bases bases_{directory_.path() / "diffs"};
    fake_engine engine_{io_.get_executor(), log_now_};
    std::unique_ptr<tool_runner> runner_;
};

}  // namespace agent::tools::test
