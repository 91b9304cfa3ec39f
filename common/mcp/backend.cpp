#include "common/mcp/backend.hpp"

namespace common::mcp {
namespace {

std::unexpected<proto::error> not_offered() {
    return proto::fail(proto::error_code::not_found, "This server does not offer that.");
}

}  // namespace

// --- A reply that can do no more than write ---
boost::asio::awaitable<bool> call_reply::log(log_level, std::string_view, std::string_view) { co_return true; }
boost::asio::awaitable<input_outcome> call_reply::ask(std::vector<input_request>, std::string) {
    co_return input_outcome{};
}
void call_reply::withdraw() {}
void call_reply::end_as_task(std::string) {}
void call_reply::end_as_error(protocol_error) {}
boost::asio::awaitable<void> call_reply::pause_stream(std::chrono::milliseconds) { co_return; }

// --- A back end that has tools only ---
backend::page backend::list_prompts(const list_request&) { co_return not_offered(); }
backend::done backend::get_prompt(const prompt_request&, call_reply&) { co_return not_offered(); }
backend::page backend::list_resources(const list_request&) { co_return not_offered(); }
backend::page backend::list_resource_templates(const list_request&) { co_return not_offered(); }
backend::done backend::read_resource(const resource_request&, call_reply&) { co_return not_offered(); }
bool backend::may_watch(const proto::principal&, std::string_view) { return false; }
boost::asio::awaitable<proto::result<completion>> backend::complete(const completion_request&) {
    co_return not_offered();
}
boost::asio::awaitable<proto::result<std::string>> backend::get_task(const task_request&) { co_return not_offered(); }
backend::done backend::update_task(const task_request&) { co_return not_offered(); }
backend::done backend::cancel_task(const task_request&) { co_return not_offered(); }

}  // namespace common::mcp
