#include "agent/session/prompt_images.hpp"

#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "agent/uploads/new_file.hpp"
#include "common/crypto/encoding.hpp"
#include "proto/limits.hpp"

namespace agent::session {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

fs::path list_of(const fs::path& directory, const std::string& prompt_uuid) {
    return directory / (prompt_uuid + ".images.json");
}

}  // namespace

proto::result<void> save_prompt_images(const fs::path& directory, const std::string& prompt_uuid,
                                       const std::vector<image_file>& images) {
    json list = json::array();
    for (const auto& one : images) list.push_back({{"path", one.path.string()}, {"media_type", one.media_type}});
    return uploads::write_small_file(list_of(directory, prompt_uuid), list.dump());
}

std::vector<claude::image> load_prompt_images(const fs::path& directory, const std::string& prompt_uuid) {
    std::vector<claude::image> out;
    std::ifstream file(list_of(directory, prompt_uuid));
    if (!file) return out;
    const json list = json::parse(file, nullptr, false);
    if (!list.is_array()) return out;
    for (const auto& one : list) {
        std::ifstream in(one.value("path", ""), std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        if (bytes.empty() || bytes.size() > proto::limits::image_bytes_max) continue;
        out.push_back({one.value("media_type", ""), common::crypto::base64_encode(bytes)});
    }
    return out;
}

}  // namespace agent::session
