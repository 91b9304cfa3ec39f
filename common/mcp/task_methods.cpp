#include <array>
#include <optional>
#include <utility>

#include "common/mcp/json_members.hpp"
#include "common/mcp/method_answer.hpp"
#include "common/mcp/rpc_text.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

constexpr std::string_view tasks_capability = R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})";
constexpr std::size_t task_id_bytes_max = proto::limits::mcp_uri_bytes_max;

}  // namespace

bool is_task_method(std::string_view method) {
    return method == "tasks/get" || method == "tasks/update" || method == "tasks/cancel";
}

boost::asio::awaitable<method_answer> answer_task_method(request_context& context, const message& request) {
    if (!context.terms.client.tasks) co_return std::unexpected(missing_capability(tasks_capability));
    constexpr std::array<std::string_view, 2> names{"taskId", "inputResponses"};
    std::array<std::string_view, 2> values;
    const bool is_unique = read_members(request.params, names, values);
    const std::optional<std::string> id = decode_string(values[0], task_id_bytes_max);
    if (!is_unique || !id) co_return std::unexpected(invalid_params("\"taskId\" must be a task's id."));
    const bool is_update = request.method == "tasks/update";
    if (is_update && kind_of(values[1]) != json_kind::object) {
        co_return std::unexpected(invalid_params("\"inputResponses\" must be an object."));
    }
    task_request wanted;
    context.describe(wanted, context.request_id);
    wanted.task_id = *id;
    if (is_update) wanted.input_responses = values[1];

    if (request.method == "tasks/get") {
        proto::result<std::string> task = co_await context.tools.get_task(wanted);
        if (!task) co_return std::unexpected(to_protocol_error(task.error(), context.request_id));
        co_return short_result{*std::move(task)};
    }
    proto::result<void> done;
    if (is_update)
        done = co_await context.tools.update_task(wanted);
    else
        done = co_await context.tools.cancel_task(wanted);
    if (!done) co_return std::unexpected(to_protocol_error(done.error(), context.request_id));
    co_return short_result{"{}"};
}

}  // namespace common::mcp
