// An engine on fake holders and a real log in a directory of its own, driven step by step on one io_context. restart()
// is what a crash of the agent is to everything else.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "agent/session/engine.hpp"
#include "tests/agent/session/fake_holder.hpp"

namespace tests {

// The real log, but appends can be made to fail.
class faulty_log final : public agent::events::log {
public:
    explicit faulty_log(std::unique_ptr<agent::events::log> real) : real_(std::move(real)) {}
    int failing_appends = 0;

    const std::string& log_id() const override { return real_->log_id(); }
    boost::asio::awaitable<proto::result<std::int64_t>> append(agent::events::batch b) override {
        if (failing_appends > 0 && !b.events.empty()) {
            --failing_appends;
            return refuse();
        }
        return real_->append(std::move(b));
    }
    boost::asio::awaitable<proto::result<agent::events::page>> read(agent::events::filter f, std::int64_t after,
                                                                    int limit,
                                                                    std::chrono::milliseconds wait) override {
        return real_->read(std::move(f), after, limit, wait);
    }
    void push_ephemeral(agent::events::new_event e) override { real_->push_ephemeral(std::move(e)); }
    std::int64_t last_seq() const override { return real_->last_seq(); }
    boost::asio::awaitable<proto::result<std::optional<std::int64_t>>> turn_start(std::string id) override {
        return real_->turn_start(std::move(id));
    }
    boost::asio::awaitable<proto::result<std::int64_t>> seq_before(std::int64_t at_ms) override {
        return real_->seq_before(at_ms);
    }
    boost::asio::awaitable<proto::result<void>> run(std::function<void(common::db::connection&)> job) override {
        return real_->run(std::move(job));
    }
    std::string trouble() const override { return real_->trouble(); }

private:
    static boost::asio::awaitable<proto::result<std::int64_t>> refuse() {
        co_return proto::fail(proto::error_code::internal, "The test refuses this append.");
    }
    std::unique_ptr<agent::events::log> real_;
};

class engine_fixture : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/codez-engine-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        root_ = name;
        std::filesystem::create_directories(root_ / "project");
        const auto program = root_ / "claude";
        std::ofstream(program) << "#!/bin/sh\necho '9.9.9 (fake)'\n";
        std::filesystem::permissions(program, std::filesystem::perms::owner_all);
        machine_.on_spawn = [this](fake_holder& holder) { behave(holder); };
        open();
    }
    void TearDown() override {
        close();
        std::filesystem::remove_all(root_);
    }

    void open() {
        auto log = agent::events::open_log(io_.get_executor(), (root_ / "state").string());
        ASSERT_TRUE(log) << log.error().message;
        log_ = std::make_unique<faulty_log>(std::move(*log));
        agent::session::engine_options options;
        options.state_directory = root_ / "state";
        options.claude_path = (root_ / "claude").string();
        options.environment = {{"HOME", root_.string()}, {"PATH", "/bin:/usr/bin"}};
        options.live_max = 2;
        options.tool_rules = tool_rules_;
        options.permission_expiry_s = permission_expiry_s_;
        options.idle_ttl = idle_ttl_;
        options.keep = keep_;
        options.holders = machine_.calls();
        engine_ = agent::session::make_engine(io_.get_executor(), std::move(options), *log_);
        const auto started = get(engine_->start());
        ASSERT_TRUE(started) << started.error().message;
    }
    void close() {
        if (engine_) run(engine_->stop());
        engine_.reset();
        log_.reset();
    }
    void restart() {
        close();
        open();
    }

    // Claude answers `initialize` at once; what else it says, the test says.
    virtual void behave(fake_holder& holder) {
        holder.on_line = [&holder](const json& line) {
            if (line["type"] != "control_request") return;
            json response = {{"subtype", "success"},
                             {"request_id", line["request_id"]},
                             {"pending_permission_requests", json::array()}};
            holder.say(json{{"type", "control_response"}, {"response", response}});
        };
    }

    template <class T>
    T get(boost::asio::awaitable<T> task) {
        std::optional<T> out;
        std::exception_ptr thrown;
        boost::asio::co_spawn(io_, std::move(task), [&](std::exception_ptr e, T value) {
            thrown = e;
            if (!e) out.emplace(std::move(value));
        });
        turn_until([&] { return out || thrown; });
        if (thrown) std::rethrow_exception(thrown);
        return std::move(*out);
    }
    void run(boost::asio::awaitable<void> task) {
        bool done = false;
        boost::asio::co_spawn(io_, std::move(task), [&](const std::exception_ptr& e) {
            done = true;
            if (e) std::rethrow_exception(e);
        });
        turn_until([&] { return done; });
    }
    // A condition that never comes true ends by the test's own time limit.
    template <class Condition>
    void turn_until(Condition condition) {
        while (!condition()) {
            io_.restart();
            io_.run_one_for(std::chrono::milliseconds(100));
        }
    }

    std::string create() {
        agent::session::create_request request;
        request.cwd = (root_ / "project").string();
        const auto made = get(engine_->create(request, who()));
        EXPECT_TRUE(made) << (made ? "" : made.error().message);
        return made ? made->session_id : "";
    }
    proto::result<agent::session::sent> send(const std::string& session, const std::string& text,
                                             const std::string& uuid = {}) {
        agent::session::prompt_request request;
        request.session_id = session;
        request.text = text;
        request.prompt_uuid = uuid;
        return get(engine_->send_prompt(request, who()));
    }
    agent::session::turn_outcome wait(const std::string& session, const std::string& uuid,
                                      bool until_permission = true) {
        agent::session::wait_request request;
        request.session_id = session;
        request.prompt_uuid = uuid;
        request.until_permission = until_permission;
        const auto outcome = get(engine_->wait_for_turn(request));
        EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().message);
        return outcome.value_or(agent::session::turn_outcome());
    }
    std::vector<agent::events::event> events(const std::string& session) {
        agent::events::filter filter;
        filter.session_id = session;
        auto page = get(log_->read(filter, 0, 1000, std::chrono::milliseconds(0)));
        EXPECT_TRUE(page);
        return page ? page->events : std::vector<agent::events::event>();
    }
    std::size_t count(const std::string& session, const std::string& type) {
        std::size_t found = 0;
        for (const auto& event : events(session)) found += event.type == type ? 1 : 0;
        return found;
    }
    static proto::principal who(const std::string& name = "Ann") {
        proto::principal out;
        out.workspace_id = "w";
        out.user_id = "u";
        out.client_id = "c";
        out.name = name;
        return out;
    }

    std::chrono::milliseconds idle_ttl_{0};
    std::chrono::milliseconds keep_{0};
    std::filesystem::path root_;
    agent::tool_rules tool_rules_;
    std::int64_t permission_expiry_s_ = 0;
    boost::asio::io_context io_;
    fake_machine machine_{io_.get_executor()};
    std::unique_ptr<faulty_log> log_;
    std::unique_ptr<agent::session::engine> engine_;
};

}  // namespace tests
