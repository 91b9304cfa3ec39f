// One connection against the hub's own side of the protocol, in memory, with tools that do what a test needs of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/link/connection.hpp"
#include "tests/agent/events/log_fixture.hpp"
#include "tests/agent/link/fake_hub.hpp"
#include "tests/agent/tools/fake_engine.hpp"

namespace agent::link::test {

using proto::error_code;

// Tools that do what a test needs of them.
class fake_tools final : public common::mcp::backend {
public:
    explicit fake_tools(boost::asio::any_io_executor e) : go(std::move(e)) {}

    std::string tools(const proto::principal&) override { return "[]"; }
    bool has_tool(std::string_view) const override { return true; }
    std::string instructions() const override { return {}; }
    boost::asio::awaitable<proto::result<void>> call(const common::mcp::tool_call& call,
                                                     common::mcp::call_reply& reply) override {
        ++calls;
        const std::string_view tool = call.tool;
        if (tool == "fail") co_return proto::fail(error_code::session_busy, "Not now.", "Later.");
        if (tool == "throw") throw std::runtime_error("a bug");
        if (tool == "progress") co_await reply.progress(0.5, std::nullopt, "half");
        if (tool == "wait") {
            if (late)
                while (!cancel_now) co_await go.wait();
            bool cancelled = false;
            reply.on_cancel([&] {
                cancelled = true;
                ++cancellations;
                go.notify_all();
            });
            while (!cancelled && !released) co_await go.wait();
            reply.on_cancel({});
        }
        if (tool == "ask") {
            last_client = call.client;
            last_state = call.state;
            if (with_listener) reply.on_cancel([this] { ++cancellations; });
            asking = &reply;
            std::vector<common::mcp::input_request> questions{{"k", kind, R"({"message":"May I?"})"}};
            told = co_await reply.ask(std::move(questions), "the state");
            asking = nullptr;
            reply.on_cancel({});
            if (told->what == common::mcp::input_outcome::state::suspended) co_return proto::result<void>();
        }
        if (tool == "large") {
            const std::string text = R"({"x":")" + std::string(size, 'x') + R"("})";
            const bool heard = co_await reply.write(text);
            heard ? ++heard_whole : ++unheard;
            if (!heard) co_return proto::fail(error_code::cancelled, "The caller went away.");
            co_return proto::result<void>();
        }
        if (tool == "broken") {
            const bool heard = co_await reply.write("{\"a\":]");
            std::ignore = heard;
            co_return proto::result<void>();
        }
        const bool heard = co_await reply.write(R"({"ok":true})");
        std::ignore = heard;
        co_return proto::result<void>();
    }

    common::async::event_signal go;
    common::mcp::client_abilities last_client;
    std::string last_state;
    common::mcp::input_kind kind = common::mcp::input_kind::elicitation;
    bool with_listener = false;
    common::mcp::call_reply* asking = nullptr;  // while it asks
    std::optional<common::mcp::input_outcome> told;
    std::size_t size = 0;
    bool released = false;
    bool late = false;        // "wait" asks to be told of cancellation only when…
    bool cancel_now = false;  // …this is set
    int calls = 0;
    int cancellations = 0;
    int heard_whole = 0;
    int unheard = 0;
};

class connection_test : public events::test::log_test {
protected:
    connection_test() { log_now_ = log_.get(); }

    void begin(bool stores = true) {
        wire_ = std::make_shared<wire>(io_.get_executor());
        hub_ = std::make_unique<fake_hub>(
            wire_, [](std::string_view text, std::string_view signature) { return signature == std::string(text); },
            [](std::string_view text) { return std::string(text); }, "https://hub", "k");
        proto::agent_link_config config;
        config.greeting.machine_id = "m_1";
        config.greeting.kid = "key";
        config.greeting.version = "0.1.0";
        config.greeting.boot_id = "boot";
        config.greeting.log_id = log_->log_id();
        config.greeting.catalogue = "c";
        config.greeting.tools = {"quick", "fail", "throw", "progress", "wait", "large", "broken", "ask"};
        config.greeting.abilities = {std::string(proto::questions_ability)};
        config.hub_origin = "https://hub";
        config.make_nonce = [] { return std::string(32, 'a'); };
        config.sign = [](std::string_view text) { return std::string(text); };
        config.verify_hub = [](std::string_view kid, std::string_view text, std::string_view signature) {
            return kid == "k" && signature == std::string(text);
        };
        connection_services services;
        services.tools = &tools_;
        services.log = log_.get();
        services.sessions = &engine_;
        services.workspace_id = "w";
        services.store_welcome = [this, stores](const proto::welcome& welcome) {
            stored_.push_back(welcome.link_counter);
            return stores;
        };
        services.on_draining = [this] { ++told_draining_; };
        services.report_bug = [this](std::string_view, std::string_view what) { bugs_.emplace_back(what); };
        link_ =
            std::make_shared<connection>(std::make_unique<fake_channel>(wire_), std::move(config), std::move(services));
        end_.reset();
        boost::asio::co_spawn(io_, link_->run(), [this](const std::exception_ptr& thrown, connection_end end) {
            if (thrown) std::rethrow_exception(thrown);
            end_ = std::move(end);
        });
    }
    void establish() {
        begin();
        until([this] { return link_->established(); });
        settle();
    }
    // Runs both ends until neither has anything to do at once.
    void settle() {
        io_.restart();
        for (int idle = 0; idle < 3;) idle = io_.poll() > 0 || hub_->step() ? 0 : idle + 1;
    }
    template <class Condition>
    void until(Condition condition) {
        while (!condition()) {
            io_.restart();
            hub_->step();
            if (!condition()) io_.run_one_for(std::chrono::milliseconds(20));
        }
    }
    answered finished(std::uint64_t id) {
        until([&] { return hub_->calls[id].whole || hub_->calls[id].error; });
        return hub_->calls[id];
    }

    events::log* log_now_ = nullptr;
    tools::test::fake_engine engine_{io_.get_executor(), log_now_};
    fake_tools tools_{io_.get_executor()};
    std::shared_ptr<wire> wire_;
    std::unique_ptr<fake_hub> hub_;
    std::shared_ptr<connection> link_;
    std::optional<connection_end> end_;
    std::vector<std::uint64_t> stored_;
    std::vector<std::string> bugs_;
    int told_draining_ = 0;
};

}  // namespace agent::link::test
