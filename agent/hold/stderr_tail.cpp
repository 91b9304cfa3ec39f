#include "agent/hold/stderr_tail.hpp"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "agent/hold/directory.hpp"
#include "agent/hold/protocol.hpp"

namespace agent::hold {
namespace {

constexpr std::size_t file_bytes_max = 64u << 10;

}  // namespace

void stderr_tail::append(std::string_view bytes) {
    tail_.append(bytes);
    // Cut rarely, so that many small writes do not move the whole tail each time.
    if (tail_.size() > 2 * text_bytes_max) tail_.erase(0, tail_.size() - text_bytes_max);

    if (file_ && file_bytes_ >= file_bytes_max) {
        ::renameat(directory_, stderr_name, directory_, stderr_old_name);
        file_.reset();
        file_bytes_ = 0;
    }
    if (!file_)
        file_ =
            descriptor(::openat(directory_, stderr_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file_ && ::write(file_.get(), bytes.data(), bytes.size()) > 0) file_bytes_ += bytes.size();
}

std::string stderr_tail::text() const {
    // It goes into JSON, here and further up, which takes UTF-8 only.
    const nlohmann::json raw = tail_.substr(tail_.size() - std::min(tail_.size(), text_bytes_max));
    const auto dumped = raw.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    auto text = nlohmann::json::parse(dumped).get<std::string>();
    if (text.size() <= text_bytes_max) return text;
    auto from = text.size() - text_bytes_max;
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xc0) == 0x80) ++from;
    return text.substr(from);
}

}  // namespace agent::hold
