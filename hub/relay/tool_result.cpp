#include "hub/relay/tool_result.hpp"

namespace hub::relay {

std::string tool_result(const nlohmann::json& value) {
    constexpr auto replace = nlohmann::json::error_handler_t::replace;
    const std::string object = value.dump(-1, ' ', false, replace);
    const std::string text = nlohmann::json(object).dump(-1, ' ', false, replace);
    return R"({"content":[{"type":"text","text":)" + text + R"(}],"structuredContent":)" + object + "}";
}

}  // namespace hub::relay
