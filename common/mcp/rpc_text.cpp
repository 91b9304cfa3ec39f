#include "common/mcp/rpc_text.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace common::mcp {

std::string quote_json(std::string_view text) {
    const nlohmann::json value = text;
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string result_text(std::string_view id, std::string_view result) {
    return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})", id, result);
}

std::string error_text(std::string_view id, int code, std::string_view message, std::string_view data) {
    std::string text = R"({"jsonrpc":"2.0",)";
    if (!id.empty()) text += fmt::format(R"("id":{},)", id);
    text += fmt::format(R"("error":{{"code":{},"message":{})", code, quote_json(message));
    if (!data.empty()) text += fmt::format(R"(,"data":{})", data);
    text += "}}";
    return text;
}

std::string error_text(const rejection& refused) {
    return error_text(refused.id, refused.code, refused.message, refused.data);
}

tool_error tool_error_result(const proto::error& error, std::string_view request_id) {
    const std::string envelope = proto::to_json(error, request_id);
    tool_error text;
    text.result = fmt::format(R"({{"content":[{{"type":"text","text":{}}}],"isError":true}})", quote_json(envelope));
    text.meta = fmt::format(R"("codez/error":{})", envelope);
    return text;
}

std::optional<std::string> progress_text(std::string_view token, double progress, std::optional<double> total,
                                         std::string_view message) {
    if (!std::isfinite(progress) || (total && !std::isfinite(*total))) return std::nullopt;
    std::string text = fmt::format(
        R"({{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{},"progress":{})", token,
        progress);
    if (total) text += fmt::format(R"(,"total":{})", *total);
    if (!message.empty()) text += fmt::format(R"(,"message":{})", quote_json(message));
    text += "}}";
    return text;
}

std::string log_text(std::string_view level, std::string_view logger, std::string_view data) {
    std::string text =
        fmt::format(R"({{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"{}")", level);
    if (!logger.empty()) text += fmt::format(R"(,"logger":{})", quote_json(logger));
    text += fmt::format(R"(,"data":{}}}}})", data);
    return text;
}

}  // namespace common::mcp
