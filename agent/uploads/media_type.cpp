#include "agent/uploads/media_type.hpp"

#include <algorithm>

namespace agent::uploads {

using namespace std::string_view_literals;

std::string_view media_type_of(std::string_view beginning) {
    if (beginning.starts_with("\x89PNG\r\n\x1a\n"sv)) return "image/png";
    if (beginning.starts_with("\xff\xd8\xff"sv)) return "image/jpeg";
    if (beginning.starts_with("GIF87a"sv) || beginning.starts_with("GIF89a"sv)) return "image/gif";
    if (beginning.starts_with("RIFF"sv) && beginning.size() >= 12 && beginning.substr(8, 4) == "WEBP"sv)
        return "image/webp";
    if (beginning.starts_with("%PDF-"sv)) return "application/pdf";
    return "application/octet-stream";
}

bool is_image(std::string_view media_type) { return media_type.starts_with("image/"); }

std::string safe_name(std::string_view name) {
    constexpr std::size_t bytes_max = 100;  // file systems take 255, and people read it
    name = name.substr(name.find_last_of("/\\") + 1);
    // The end tells what the file is.
    std::string out(name.substr(name.size() - std::min(name.size(), bytes_max)));
    std::ranges::replace_if(
        out,
        [](char c) {
            const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            return !letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_';
        },
        '_');
    if (!out.empty() && (out.front() == '.' || out.front() == '-')) out.front() = '_';
    return out.empty() ? "file" : out;
}

}  // namespace agent::uploads
