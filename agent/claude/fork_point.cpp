#include "agent/claude/fork_point.hpp"

#include <fstream>
#include <string_view>

#include "agent/claude/json_access.hpp"

namespace agent::claude {
namespace {

using json = nlohmann::json;

// One record with a long tool result fits well into it.
constexpr std::uintmax_t read_bytes_max = 16u << 20;

std::string answer_in(std::string_view line) {
    // Claude writes its records without spaces.
    if (line.find(R"("type":"assistant")") == std::string_view::npos) return {};
    const json record = json::parse(line, nullptr, false);
    if (text_of(record, "type") != "assistant" || flag_of(record, "isSidechain")) return {};
    return text_of(record, "uuid");
}

}  // namespace

std::optional<fork_point> last_answer(const std::filesystem::path& transcript) {
    std::error_code ec;
    const auto size = std::filesystem::file_size(transcript, ec);
    std::ifstream in(transcript, std::ios::binary);
    if (ec || !in) return std::nullopt;
    const auto begin = size > read_bytes_max ? size - read_bytes_max : 0;
    in.seekg(static_cast<std::streamoff>(begin));
    std::string text(static_cast<std::size_t>(size - begin), '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    text.resize(text.rfind('\n') + 1);  // npos + 1 is 0: not one whole line

    fork_point out;
    out.end_offset = static_cast<std::int64_t>(begin + text.size());
    for (std::string_view rest = text; !rest.empty();) {
        rest.remove_suffix(1);  // the line's end
        const auto start = rest.rfind('\n') + 1;
        out.message = answer_in(rest.substr(start));
        if (!out.message.empty()) return out;
        rest = rest.substr(0, start);
    }
    return std::nullopt;
}

}  // namespace agent::claude
