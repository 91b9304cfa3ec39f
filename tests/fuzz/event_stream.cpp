// What a back end writes, in whatever pieces, stays one event: no result can end its event early or begin another.
#include <string>

#include <nlohmann/json.hpp>

#include "common/mcp/event_output.hpp"
#include "common/mcp/result_frame.hpp"
#include "proto/json_scanner.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

void run(std::string_view input) {
    using namespace common::mcp;
    const std::size_t step = 1 + take_byte(input) % 16;
    const bool has_members = (take_byte(input) & 1) != 0;

    result_frame frame("7", has_members ? R"("resultType":"complete","_meta":{"a":1})" : "");
    std::string text;
    for (std::size_t at = 0; at < input.size(); at += step) text += frame.take(input.substr(at, step));
    text += result_frame::tail;

    std::string in_one_piece = text;
    to_one_line(in_one_piece);
    require(in_one_piece.find_first_of("\r\n") == std::string::npos);
    require(in_one_piece.size() == text.size());

    // Results are checked before they get here; for those that are an object, nothing is lost.
    if (!proto::is_json_object(input)) return;
    const auto message = nlohmann::json::parse(in_one_piece, nullptr, false);
    require(message.is_object() && message["jsonrpc"] == "2.0" && message["id"] == 7 && message["result"].is_object());
    require(message == nlohmann::json::parse(text, nullptr, false));
    const auto result = nlohmann::json::parse(input);
    for (const auto& [key, value] : result.items())
        if (!has_members || (key != "resultType" && key != "_meta")) require(message["result"][key] == value);
}

}  // namespace fuzz
