// One line of a transcript. Views and elements belong to the parser until its next line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

namespace agent::history {

struct record {
    std::string_view type;  // user, assistant, system and many that are not messages
    std::string_view uuid;
    std::int64_t at_ms = 0;  // 0: without a time
    bool hidden = false;     // not part of what was said in the main conversation
    simdjson::dom::element all;
};

class record_parser {
public:
    // None if the line is no JSON object, not UTF-8 or nested too deep.
    std::optional<record> read(std::string_view line);

private:
    simdjson::dom::parser parser_;
};

// "2026-11-21T05:10:55.825Z" as Unix ms; 0 if it is none.
std::int64_t parse_time(std::string_view text);

// Members; empty where they are missing or of another type.
std::string_view text_of(simdjson::dom::element object, std::string_view name);
bool flag_of(simdjson::dom::element object, std::string_view name);

// A title out of a person's words: one line, no longer than a title may be.
std::string as_title(std::string_view text);

// The words of a prompt; empty if the record is not what a person sent.
std::string prompt_text(const record& r);

// The text cut to so many bytes, not within a character.
std::string_view cut(std::string_view text, std::size_t bytes);

}  // namespace agent::history
