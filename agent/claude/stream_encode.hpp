// The lines that we write to claude's stdin (as of Claude Code 2.1.329), each one JSON object without a newline.
// Texts must be valid UTF-8; what is not becomes U+FFFD, since one broken line ends the process. Stateless.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace agent::claude {

struct image {
    std::string media_type;
    std::string base64;
};

// What the first word of a prompt asks claude itself for, and not the model. A name that only resembles one is none.
enum class command : std::uint8_t { none, compact, clear };
command command_in(std::string_view prompt);

// A prompt, its images before the text. client_composed: claude expands no @file and no /command in it; without, as for
// /compact, it runs the command and leaves the rest of the text as it is.
std::string encode_prompt(std::string_view uuid, std::string_view text, const std::vector<image>& images = {});

// members: further ones of the request, see start_options.hpp.
std::string encode_initialize(std::string_view request_id, nlohmann::json members = nlohmann::json::object());
// Ends the turn; also drops the prompts that wait for theirs.
std::string encode_interrupt(std::string_view request_id);
std::string encode_set_permission_mode(std::string_view request_id, std::string_view mode);
std::string encode_rename(std::string_view request_id, std::string_view title);
// Takes any name; one that the API does not know fails with the next turn.
std::string encode_set_model(std::string_view request_id, std::string_view model);
std::string encode_set_effort(std::string_view request_id, std::string_view level);
std::string encode_rewind_files(std::string_view request_id, std::string_view prompt_uuid, bool dry_run);
std::string encode_end_session(std::string_view request_id, std::string_view reason);

// Answers to can_use_tool. Null values are left out.
std::string encode_allow(std::string_view request_id, const nlohmann::json& updated_input,
                         const nlohmann::json& updated_permissions);
enum class after_denial : std::uint8_t { go_on, interrupt };  // interrupt: the turn ends too
std::string encode_deny(std::string_view request_id, std::string_view message, after_denial then = after_denial::go_on);
// To a request that we do not serve.
std::string encode_refusal(std::string_view request_id, std::string_view subtype);

}  // namespace agent::claude
