#include "agent/tools/tool_result.hpp"

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

#include "agent/tools/tool.hpp"

namespace agent::tools {

namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

constexpr std::string_view before_text = R"({"content":[{"type":"text","text":")";
constexpr std::string_view between = R"("}],"structuredContent":)";

// As it stands inside the quotes of a JSON string.
std::string escaped(std::string_view text) {
    std::string out = dump(nlohmann::json(text));
    return out.substr(1, out.size() - 2);
}

// How much of the text to take at once: never half a character.
std::size_t piece_of(std::string_view text) {
    std::size_t end = std::min(piece_bytes, text.size());
    while (end > 1 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return end;
}

}  // namespace

boost::asio::awaitable<bool> write_result(common::mcp::call_reply& reply, std::string_view object) {
    std::string piece(before_text);
    for (std::string_view rest = object; !rest.empty();) {
        const std::size_t taken = piece_of(rest);
        piece += escaped(rest.substr(0, taken));
        rest.remove_prefix(taken);
        if (rest.empty()) break;
        const bool heard = co_await reply.write(piece);
        if (!heard) co_return false;
        piece.clear();
    }
    piece += between;
    if (object.size() > piece_bytes) {
        const bool heard = co_await reply.write(piece);
        if (!heard) co_return false;
        const bool heard_object = co_await reply.write(object);
        if (!heard_object) co_return false;
        piece.clear();
    } else {
        piece += object;
    }
    piece += '}';
    co_return co_await reply.write(piece);
}

}  // namespace agent::tools
