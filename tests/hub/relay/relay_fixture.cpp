#include "tests/hub/relay/relay_fixture.hpp"

namespace tests {

using nlohmann::json;

relay_fixture::box relay_fixture::add(const std::string& name, const std::string& workspace) {
    box b;
    b.identity = enrol(name, workspace);
    b.machine = link_up(b.identity);
    return b;
}

void relay_fixture::always(const box& b, const std::string& value) {
    b.machine->on_call = [machine = b.machine.get(), value](const auto& call) { machine->answer(call.id, value); };
}

void relay_fixture::unlink(const box& b) {
    b.machine->channel->cut();
    until([&] { return links_.find(b.id()) == nullptr; });
}

namespace {

boost::asio::awaitable<void> make_call(hub::relay::router& router, std::shared_ptr<asked_call> asked) {
    common::mcp::tool_call call;
    call.tool = asked->tool;
    call.arguments = asked->arguments;
    call.who = &asked->who;
    call.request_id = "req_1";
    call.depth = asked->depth;
    call.client.elicitation_form = asked->takes_forms;
    call.state = asked->state;
    asked->outcome = co_await router.call(call, asked->reply);
}

}  // namespace

std::shared_ptr<asked_call> relay_fixture::begin(std::shared_ptr<asked_call> call) {
    boost::asio::co_spawn(context_, make_call(router_, call),
                          [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
    return call;
}

std::shared_ptr<asked_call> relay_fixture::begin(const std::string& tool, const json& arguments,
                                                 const std::string& workspace) {
    const auto call = std::make_shared<asked_call>();
    call->tool = tool;
    call->arguments = arguments.is_null() ? "{}" : arguments.dump();
    call->who = who(workspace);
    return begin(call);
}

void relay_fixture::finish(const std::shared_ptr<asked_call>& call) {
    until([&] { return call->outcome.has_value(); });
}

std::shared_ptr<asked_call> relay_fixture::ask(const std::string& tool, const json& arguments) {
    const auto call = begin(tool, arguments);
    finish(call);
    return call;
}

}  // namespace tests
