#include "common/mcp/request_state.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "common/crypto/digest.hpp"

namespace common::mcp {
namespace {

// A sealer takes 4 KiB at most, so a longer text is sealed in parts that name each other.
constexpr std::size_t part_bytes = 3 * proto::limits::kib;
constexpr std::size_t parts_max = 10;
constexpr std::size_t sealed_part_bytes_max = 8 * proto::limits::kib;
constexpr std::size_t set_name_length = 16;
constexpr char separator = '.';

std::string purpose(const std::string& binding, std::size_t part, std::size_t parts) {
    return fmt::format("mcp-state-1/{}/{}/{}", part, parts, binding);
}

// Strings of any bytes, one after the other: "3:abc".
void put(std::string& text, std::string_view value) { text += fmt::format("{}:{}", value.size(), value); }

std::optional<std::string> take(std::string_view& text) {
    std::size_t size = 0;
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (ec != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    if (text.size() <= size || text.front() != ':') return std::nullopt;
    std::string value(text.substr(1, size));
    text.remove_prefix(size + 1);
    return value;
}

std::int64_t to_ms(std::chrono::system_clock::time_point at) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

std::string compact(std::string_view json) {
    std::string text;
    bool is_inside = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (!is_inside && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) continue;
        text += c;
        if (c == '"') is_inside = !is_inside;
        if (is_inside && c == '\\' && i + 1 < json.size()) text += json[++i];
    }
    return text;
}

std::string serialize(const engine_options& options, const request_state& state) {
    std::string text;
    put(text, std::to_string(to_ms(options.now() + options.request_state_lasts)));
    put(text, state.state);
    put(text, std::to_string(state.asked.size()));
    for (const std::string& key : state.asked) put(text, key);
    for (const input_answer& answer : state.answered) {
        put(text, answer.key);
        put(text, answer.result);
    }
    return text;
}

std::optional<request_state> parse(const engine_options& options, std::string_view text) {
    const std::optional<std::string> expiry = take(text);
    std::optional<std::string> own = take(text);
    const std::optional<std::string> count = take(text);
    if (!expiry || !own || !count) return std::nullopt;
    if (to_ms(options.now()) >= std::atoll(expiry->c_str())) return std::nullopt;
    request_state state;
    state.state = *std::move(own);
    for (int left = std::atoi(count->c_str()); left > 0; --left) {
        std::optional<std::string> key = take(text);
        if (!key) return std::nullopt;
        state.asked.push_back(*std::move(key));
    }
    while (!text.empty()) {
        std::optional<std::string> key = take(text);
        std::optional<std::string> result = take(text);
        if (!key || !result) return std::nullopt;
        state.answered.push_back({*std::move(key), *std::move(result)});
    }
    return state;
}

}  // namespace

std::string state_binding(std::string_view principal_key, std::string_view method, std::string_view name,
                          std::string_view arguments) {
    std::string text;
    for (const std::string_view part : {principal_key, method, name}) put(text, part);
    // Its digest: what a seal is bound to must be short, and arguments are not.
    return crypto::sha256(text + compact(arguments));
}

std::optional<std::string> seal_state(const engine_options& options, const std::string& binding,
                                      const request_state& state) {
    const std::string plain = serialize(options, state);
    const std::size_t parts = (plain.size() + part_bytes - 1) / part_bytes;
    if (parts > parts_max) return std::nullopt;
    const std::string set = options.random_token(set_name_length);
    std::string sealed;
    for (std::size_t i = 0; i < parts; ++i) {
        const std::string part = set + plain.substr(i * part_bytes, part_bytes);
        if (i > 0) sealed += separator;
        sealed += options.seal(part, purpose(binding, i, parts));
    }
    return sealed;
}

std::optional<request_state> open_state(const engine_options& options, const std::string& binding,
                                        std::string_view sealed) {
    if (sealed.size() > parts_max * sealed_part_bytes_max) return std::nullopt;
    const auto parts = static_cast<std::size_t>(std::ranges::count(sealed, separator)) + 1;
    if (parts > parts_max) return std::nullopt;
    std::string plain;
    std::string set;
    for (std::size_t i = 0; i < parts; ++i) {
        const std::size_t end = sealed.find(separator);
        const std::optional<std::string> part = options.open(sealed.substr(0, end), purpose(binding, i, parts));
        if (!part || part->size() < set_name_length) return std::nullopt;
        if (i == 0) set = part->substr(0, set_name_length);
        if (part->substr(0, set_name_length) != set) return std::nullopt;
        plain += part->substr(set_name_length);
        if (end != std::string_view::npos) sealed.remove_prefix(end + 1);
    }
    return parse(options, plain);
}

}  // namespace common::mcp
