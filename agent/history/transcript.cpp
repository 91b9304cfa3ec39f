#include "agent/history/transcript.hpp"

#include <algorithm>

#include "agent/history/message_list.hpp"
#include "agent/history/record.hpp"
#include "agent/history/regular_file.hpp"

namespace agent::history {

namespace {

// A record with a screenful of images. Longer lines are passed over.
constexpr std::size_t line_bytes_max = 16u << 20;

}  // namespace

proto::result<transcript> read_transcript(const std::filesystem::path& file, const std::string& session_id,
                                          const transcript_limit& limit) {
    const auto opened = regular_file::open(file);
    if (!opened)
        return proto::fail(proto::error_code::not_found, "This session has no transcript on this machine.",
                           "list_sessions tells which sessions there are.");
    const std::int64_t end = limit.end_offset < 0 ? opened->size() : std::min(limit.end_offset, opened->size());
    const std::int64_t begin = std::max<std::int64_t>(0, end - limit.file_bytes);
    message_list messages(session_id, std::max<std::size_t>(1, limit.messages), limit.bytes);
    record_parser parser;
    transcript out;
    out.end_offset = opened->each_line(begin, end, line_bytes_max, [&](std::string_view line) {
        if (const auto r = parser.read(line)) messages.see(*r);
    });
    out.messages = messages.json();
    out.truncated = begin > 0 || messages.dropped();
    return out;
}

}  // namespace agent::history
