#include "agent/tools/prompt_uploads.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/session/prompt_images.hpp"
#include "agent/session/uuid.hpp"
#include "agent/uploads/attachments.hpp"

namespace agent::tools {

namespace {

using proto::error_code;

proto::result<std::vector<std::string>> ids_of(const call_context& c) {
    std::vector<std::string> ids;
    const auto given = c.arguments.find("uploads");
    if (given == c.arguments.end()) return ids;
    for (const auto& id : *given) {
        ids.push_back(id.get<std::string>());
        if (std::ranges::count(ids, ids.back()) > 1)
            return proto::fail(error_code::invalid_argument, fmt::format("`uploads` names {} twice.", ids.back()),
                               "Name each upload once.");
    }
    return ids;
}

// Images too: the same text with others is another prompt.
std::string named(const std::string& text, const std::vector<uploads::attachment>& files) {
    std::string out = text + "\n\nAttached files:";
    for (const auto& one : files)
        out += fmt::format("\n- {} ({} bytes, {}{})", one.path.string(), one.bytes, one.media_type,
                           one.shown ? ", shown above" : "");
    return out;
}

}  // namespace

boost::asio::awaitable<proto::result<void>> attach_uploads(const services& s, const call_context& c,
                                                           session::prompt_request& prompt) {
    auto ids = ids_of(c);
    if (!ids) co_return std::unexpected(std::move(ids.error()));
    if (ids->empty()) co_return proto::result<void>();
    auto found = s.uploads->find(c.who.key(), *ids);
    if (!found) co_return std::unexpected(std::move(found.error()));
    auto files = co_await s.attachments->add(prompt.session_id, std::move(*found), *s.uploads);
    if (!files) co_return std::unexpected(std::move(files.error()));
    prompt.text = named(prompt.text, *files);
    std::vector<session::image_file> images;
    for (const auto& one : *files)
        if (one.shown) images.push_back({one.path, one.media_type});
    if (images.empty()) co_return proto::result<void>();

    if (prompt.prompt_uuid.empty()) prompt.prompt_uuid = session::random_uuid();
    using loaded_images = proto::result<std::vector<claude::image>>;
    auto job = [directory = files->front().path.parent_path().parent_path(), uuid = prompt.prompt_uuid,
                images = std::move(images)]() -> loaded_images {
        if (auto saved = session::save_prompt_images(directory, uuid, images); !saved)
            return std::unexpected(std::move(saved.error()));
        return session::load_prompt_images(directory, uuid);
    };
    auto loaded = co_await s.pool->run(std::move(job));
    if (!loaded)
        co_return proto::fail(error_code::resource_exhausted, "The machine is busy.", "Try again in a moment.");
    if (!*loaded) co_return std::unexpected(std::move(loaded->error()));
    prompt.images = std::move(**loaded);
    co_return proto::result<void>();
}

}  // namespace agent::tools
