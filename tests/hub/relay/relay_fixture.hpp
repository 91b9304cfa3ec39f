// The router on links through memory: calls as the MCP engine makes them, machines that answer by script.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/this_coro.hpp>

#include "common/async/event_signal.hpp"
#include "common/mcp/backend.hpp"
#include "hub/relay/machine_finder.hpp"
#include "hub/relay/router.hpp"
#include "tests/hub/links/hub_fixture.hpp"

namespace tests {

class fake_reply final : public common::mcp::call_reply {
public:
    boost::asio::awaitable<bool> write(std::string_view piece) override {
        text += piece;
        co_return !gone;
    }
    boost::asio::awaitable<bool> progress(double value, std::optional<double>, std::string) override {
        steps.push_back(value);
        co_return !gone;
    }
    void on_cancel(std::function<void()> listener) override { listener_ = std::move(listener); }
    // Answers by `answer`, if there is one; else waits until the question is taken back.
    boost::asio::awaitable<common::mcp::input_outcome> ask(std::vector<common::mcp::input_request> questions,
                                                           std::string state) override {
        asked.push_back(std::move(questions));
        states.push_back(std::move(state));
        if (answer) co_return *answer;
        common::async::event_signal taken_back(co_await boost::asio::this_coro::executor);
        withdraws_ = &taken_back;
        std::ignore = co_await taken_back.wait();
        withdraws_ = nullptr;
        common::mcp::input_outcome outcome;
        outcome.what =
            gone ? common::mcp::input_outcome::state::unanswered : common::mcp::input_outcome::state::withdrawn;
        co_return outcome;
    }
    void withdraw() override {
        if (withdraws_) withdraws_->notify_all();
    }
    // The client cancels, or goes away.
    void cancel() {
        gone = true;
        if (const auto listener = std::exchange(listener_, nullptr)) listener();
        withdraw();
    }

    std::string text;
    std::vector<double> steps;
    bool gone = false;
    std::vector<std::vector<common::mcp::input_request>> asked;
    std::vector<std::string> states;
    std::optional<common::mcp::input_outcome> answer;

private:
    std::function<void()> listener_;
    common::async::event_signal* withdraws_ = nullptr;  // while a question waits
};

// One call under way, or over.
struct asked_call {
    std::string tool;
    std::string arguments;
    proto::principal who;
    int depth = 0;
    bool takes_forms = false;
    std::string state{};
    fake_reply reply;
    std::optional<proto::result<void>> outcome;

    nlohmann::json value() const {
        return nlohmann::json::parse(reply.text, nullptr, false).value("structuredContent", nlohmann::json());
    }
    proto::error error() const { return outcome.value().error(); }
};

class relay_fixture : public hub_fixture {
protected:
    // A linked machine.
    struct box {
        machine_identity identity;
        std::shared_ptr<fake_machine> machine;
        const std::string& id() const { return identity.id; }
    };
    box add(const std::string& name, const std::string& workspace);
    box add(const std::string& name) { return add(name, workspace_); }
    // Answers every call with the same structuredContent.
    static void always(const box& b, const std::string& value);
    void unlink(const box& b);

    // Starts a call.
    std::shared_ptr<asked_call> begin(const std::string& tool, const nlohmann::json& arguments,
                                      const std::string& workspace);
    std::shared_ptr<asked_call> begin(const std::string& tool, const nlohmann::json& arguments = {}) {
        return begin(tool, arguments, workspace_);
    }
    std::shared_ptr<asked_call> begin(std::shared_ptr<asked_call> call);
    // And waits for its end.
    std::shared_ptr<asked_call> ask(const std::string& tool, const nlohmann::json& arguments = {});
    void finish(const std::shared_ptr<asked_call>& call);

    hub::relay::machine_finder machines_{*store_, pool_, links_, sessions_};
    hub::relay::call_audit audit_{context_.get_executor(), *store_, pool_, log_};
    hub::relay::fleet_cursors cursors_{*store_, pool_};
    hub::relay::router router_{machines_, links_, sessions_, cursors_, audit_};
};

}  // namespace tests
