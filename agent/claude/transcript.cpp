#include "agent/claude/transcript.hpp"

#include <cstdint>
#include <fstream>
#include <vector>

namespace agent::claude {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t slug_units_max = 200;
constexpr std::uintmax_t searched_bytes_max = 64u << 20;

// UTF-16 code units, as JavaScript sees the text; a broken byte counts as one unit.
std::vector<std::uint16_t> utf16(std::string_view text) {
    std::vector<std::uint16_t> out;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
        if (length == 1 || i + length > text.size()) {
            out.push_back(lead < 0x80 ? lead : 0xfffd);
            ++i;
            continue;
        }
        std::uint32_t code = lead & (0xffu >> (length + 1));
        for (std::size_t k = 1; k < length; ++k) code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
        i += length;
        if (code >= 0x10000) {
            out.push_back(static_cast<std::uint16_t>(0xd800 + ((code - 0x10000) >> 10)));
            out.push_back(static_cast<std::uint16_t>(0xdc00 + ((code - 0x10000) & 0x3ff)));
        } else {
            out.push_back(static_cast<std::uint16_t>(code));
        }
    }
    return out;
}

std::string base36(std::uint64_t number) {
    std::string out;
    do {
        out.insert(out.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36]);
        number /= 36;
    } while (number != 0);
    return out;
}

}  // namespace

std::string project_slug(std::string_view cwd) {
    const auto units = utf16(cwd);
    std::string out;
    std::uint32_t hash = 0;
    for (const std::uint16_t unit : units) {
        const bool plain = (unit >= '0' && unit <= '9') || (unit >= 'a' && unit <= 'z') || (unit >= 'A' && unit <= 'Z');
        out += plain ? static_cast<char>(unit) : '-';
        hash = hash * 31 + unit;
    }
    if (out.size() <= slug_units_max) return out;
    const auto as_signed = static_cast<std::int64_t>(static_cast<std::int32_t>(hash));
    out.resize(slug_units_max);
    return out + "-" + base36(static_cast<std::uint64_t>(as_signed < 0 ? -as_signed : as_signed));
}

fs::path config_directory(const variables& environment) {
    if (const auto set = environment.find("CLAUDE_CONFIG_DIR"); set != environment.end() && !set->second.empty())
        return set->second;
    const auto home = environment.find("HOME");
    return fs::path(home == environment.end() ? "/" : home->second) / ".claude";
}

std::optional<fs::path> find_transcript(const variables& environment, std::string_view cwd,
                                        const std::string& session_id) {
    const fs::path projects = config_directory(environment) / "projects";
    const std::string file = session_id + ".jsonl";
    std::error_code ec;
    if (const fs::path own = projects / project_slug(cwd) / file; fs::is_regular_file(own, ec)) return own;
    for (fs::directory_iterator it(projects, ec), end; !ec && it != end; it.increment(ec)) {
        std::error_code ignored;
        if (const fs::path other = it->path() / file; fs::is_regular_file(other, ignored)) return other;
    }
    return std::nullopt;
}

bool transcript_has(const fs::path& transcript, const std::string& uuid) {
    std::error_code ec;
    const auto size = fs::file_size(transcript, ec);
    std::ifstream in(transcript, std::ios::binary);
    if (ec || !in) return false;
    if (size > searched_bytes_max) in.seekg(static_cast<std::streamoff>(size - searched_bytes_max));
    // Claude writes its records without spaces.
    const std::string wanted = "\"uuid\":\"" + uuid + '"';
    std::string buffer;
    std::vector<char> piece(1u << 20);
    while (in) {
        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        buffer.append(piece.data(), static_cast<std::size_t>(in.gcount()));
        if (buffer.find(wanted) != std::string::npos) return true;
        if (buffer.size() > wanted.size()) buffer.erase(0, buffer.size() - wanted.size());
    }
    return false;
}

}  // namespace agent::claude
