#include "agent/uploads/attachments.hpp"

#include <sys/stat.h>

#include <chrono>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "agent/uploads/media_type.hpp"
#include "common/crypto/random.hpp"

namespace agent::uploads {

namespace fs = std::filesystem;
using proto::error_code;

namespace {

std::unexpected<proto::error> failed(const std::error_code& ec) {
    if (ec == std::errc::no_space_on_device)
        return proto::fail(error_code::resource_exhausted, "The machine's disk is full.",
                           "Make room on the machine, then send the prompt again.");
    return proto::fail(error_code::internal, "The machine cannot give the session its files: " + ec.message() + ".");
}

fs::path root_of(const fs::path& state) { return state / "attachments"; }

// All bytes that sessions have, without those that are older than that: they are removed.
std::uint64_t bytes_younger_than(const fs::path& root, std::int64_t oldest_ms) {
    std::uint64_t bytes = 0;
    std::error_code ec;
    for (auto it = fs::recursive_directory_iterator(root, ec); !ec && it != fs::recursive_directory_iterator();
         it.increment(ec)) {
        struct stat seen{};
        if (::lstat(it->path().c_str(), &seen) != 0 || !S_ISREG(seen.st_mode)) continue;
        std::error_code ignored;
        if (std::int64_t{seen.st_mtim.tv_sec} * 1000 < oldest_ms)
            fs::remove(it->path(), ignored);
        else
            bytes += static_cast<std::uint64_t>(seen.st_size);
    }
    return bytes;
}

std::error_code copy_whole(const fs::path& from, const fs::path& to) {
    std::error_code ec;
    if (fs::exists(to, ec)) return {};
    fs::create_directories(to.parent_path(), ec);
    if (ec) return ec;
    // Of its own: two prompts may give the session the same file at once.
    auto temporary = to;
    temporary += "." + common::crypto::random_token(8) + ".part";
    fs::copy_file(from, temporary, fs::copy_options::overwrite_existing, ec);
    if (!ec) fs::permissions(temporary, fs::perms::owner_read | fs::perms::owner_write, ec);
    if (!ec) fs::rename(temporary, to, ec);
    std::error_code ignored;
    if (ec) fs::remove(temporary, ignored);
    return ec;
}

// Images as long as they fit into one line to claude; all else is read from its file.
void choose_shown(std::vector<attachment>& all) {
    std::uint64_t shown = 0;
    for (auto& one : all) {
        if (!is_image(one.media_type) || one.bytes > proto::limits::image_bytes_max) continue;
        if (shown + one.bytes > proto::limits::prompt_images_bytes_max) continue;
        shown += one.bytes;
        one.shown = true;
    }
}

}  // namespace

fs::path attachments_directory(const fs::path& state, const std::string& session_id) {
    return root_of(state) / session_id;
}

attachments::attachments(common::async::blocking_pool& pool, fs::path state, attachments_options options)
    : pool_(pool), state_(std::move(state)), options_(std::move(options)) {}

boost::asio::awaitable<proto::result<std::vector<attachment>>> attachments::add(std::string session_id,
                                                                                std::vector<upload> uploads,
                                                                                const spool& from) {
    std::vector<attachment> all;
    std::vector<fs::path> sources;
    std::uint64_t wanted = 0;
    for (const auto& one : uploads) {
        all.push_back(
            {attachments_directory(state_, session_id) / one.id / one.name, one.media_type, one.bytes, false});
        sources.push_back(from.file_of(one));
        wanted += one.bytes;
    }
    choose_shown(all);
    auto copying = [root = root_of(state_), all, sources, wanted, most = options_.bytes_max,
                    oldest = options_.now_ms() - proto::limits::attachment_keep_ms]() -> proto::result<void> {
        if (bytes_younger_than(root, oldest) + wanted > most)
            return proto::fail(error_code::resource_exhausted,
                               "This machine keeps as many files for sessions as it may.",
                               fmt::format("Remove on the machine what is not needed in {}.", root.string()));
        std::error_code ec;
        fs::create_directories(root, ec);
        if (!ec) fs::permissions(root, fs::perms::owner_all, ec);
        for (std::size_t i = 0; i < all.size() && !ec; ++i) ec = copy_whole(sources[i], all[i].path);
        if (ec) return failed(ec);
        return {};
    };
    auto done = co_await pool_.run(std::move(copying));
    if (!done) co_return proto::fail(error_code::resource_exhausted, "The machine is busy.", "Try again in a moment.");
    if (!*done) co_return std::unexpected(std::move(done->error()));
    co_return all;
}

}  // namespace agent::uploads
