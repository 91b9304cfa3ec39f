// Which images belong to a prompt, kept among its session's files, so that one that claude has not got before a crash is
// sent again as it was. Blocking.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/claude/stream_encode.hpp"
#include "proto/error.hpp"

namespace agent::session {

struct image_file {
    std::filesystem::path path;
    std::string media_type;
};

// `directory`: uploads::attachments_directory() of the session.
proto::result<void> save_prompt_images(const std::filesystem::path& directory, const std::string& prompt_uuid,
                                       const std::vector<image_file>& images);

// Empty for a prompt without images; one that cannot be read any more is left out.
std::vector<claude::image> load_prompt_images(const std::filesystem::path& directory, const std::string& prompt_uuid);

}  // namespace agent::session
