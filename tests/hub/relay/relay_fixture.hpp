// The router on links through memory: calls as the MCP engine makes them, machines that answer by script.
#pragma once

#include <memory>
#include <string>
#include <vector>

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
    // The client cancels, or goes away.
    void cancel() {
        gone = true;
        if (const auto listener = std::exchange(listener_, nullptr)) listener();
    }

    std::string text;
    std::vector<double> steps;
    bool gone = false;

private:
    std::function<void()> listener_;
};

// One call under way, or over.
struct asked_call {
    std::string tool;
    std::string arguments;
    proto::principal who;
    int depth = 0;
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
    hub::relay::router router_{machines_, links_, sessions_, audit_};
};

}  // namespace tests
