#include "agent/history/session_summary.hpp"

#include <algorithm>

#include "agent/history/record.hpp"
#include "agent/history/regular_file.hpp"

namespace agent::history {

namespace {

// A first turn takes about 150 kB, of which Claude's copies of its requests are the most; the
// first prompt comes before them, titles and the last messages are at the end.
constexpr std::int64_t head_bytes = 128 * 1024;
constexpr std::int64_t tail_bytes = 128 * 1024;

void see_record(session& s, std::string& custom_title, const record& r) {
    if (s.cwd.empty()) s.cwd = text_of(r.all, "cwd");
    if (s.created_at == 0) s.created_at = r.at_ms;
    if (s.title.empty()) s.title = as_title(prompt_text(r));
    if (r.type == "custom-title") custom_title = as_title(text_of(r.all, "customTitle"));
    if ((r.type == "user" || r.type == "assistant") && !r.hidden)
        s.last_message_at = std::max(s.last_message_at, r.at_ms);
}

}  // namespace

std::optional<session> summarize(const std::filesystem::path& transcript) {
    const auto file = regular_file::open(transcript);
    if (!file) return std::nullopt;
    session s;
    s.updated_at = file->modified_at();
    std::string custom_title;
    record_parser parser;
    const auto see = [&](std::string_view line) {
        if (const auto r = parser.read(line)) see_record(s, custom_title, *r);
    };
    const std::int64_t seen = file->each_line(0, head_bytes, head_bytes, see);
    const std::int64_t tail = std::max(seen, file->size() - tail_bytes);
    file->each_line(tail, file->size(), tail_bytes, see);
    if (!custom_title.empty()) s.title = std::move(custom_title);
    if (s.created_at == 0) s.created_at = s.updated_at;
    return s;
}

}  // namespace agent::history
