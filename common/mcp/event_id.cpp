#include "common/mcp/event_id.hpp"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

namespace common::mcp {
namespace {

constexpr std::size_t id_bytes_max = 1024;

std::string purpose(std::string_view session) { return "mcp-event-1/" + std::string(session); }

}  // namespace

std::string event_prefix(const engine_options& options, std::string_view session, const stream_name& stream) {
    const std::string plain = fmt::format("{} {} {}", stream.is_call ? 'c' : 's', stream.name, stream.request_id);
    return options.seal(plain, purpose(session));
}

std::string event_id(std::string_view prefix, std::size_t number) { return fmt::format("{}.{}", prefix, number); }

std::optional<event_position> read_event_id(const engine_options& options, std::string_view session,
                                            std::string_view id) {
    const std::size_t dot = id.rfind('.');
    if (id.size() > id_bytes_max || dot == std::string_view::npos) return std::nullopt;
    event_position position;
    const std::string_view number = id.substr(dot + 1);
    const auto [stop, ec] = std::from_chars(number.data(), number.data() + number.size(), position.number);
    if (ec != std::errc{} || stop != number.data() + number.size()) return std::nullopt;
    const std::optional<std::string> plain = options.open(id.substr(0, dot), purpose(session));
    if (!plain || plain->size() < 2) return std::nullopt;
    const std::size_t space = plain->find(' ', 2);
    if (space == std::string::npos) return std::nullopt;
    position.stream.is_call = plain->front() == 'c';
    position.stream.name = plain->substr(2, space - 2);
    position.stream.request_id = plain->substr(space + 1);
    return position;
}

}  // namespace common::mcp
