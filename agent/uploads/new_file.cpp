#include "agent/uploads/new_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "agent/uploads/media_type.hpp"

namespace agent::uploads {

namespace {

std::unexpected<proto::error> failed(int number) {
    if (number == ENOSPC || number == EDQUOT)
        return proto::fail(proto::error_code::resource_exhausted, "The machine's disk is full.",
                           "Make room on the machine, then send the file again.");
    return proto::fail(proto::error_code::internal,
                       fmt::format("The machine cannot store the file: {}.", std::strerror(number)),
                       "See whether the agent's state directory can be written.");
}

// A rename is durable when its directory is.
bool sync_directory(const std::filesystem::path& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool done = ::fsync(fd) == 0;
    ::close(fd);
    return done;
}

}  // namespace

new_file::~new_file() {
    close();
    if (is_there_) ::unlink(path_.c_str());
}

void new_file::close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

proto::result<void> new_file::open() {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor_ < 0) return failed(errno);
    is_there_ = true;
    return {};
}

proto::result<void> new_file::write(std::string_view bytes) {
    hash_.add(bytes);
    if (beginning_.size() < media_type_bytes) beginning_ += bytes.substr(0, media_type_bytes - beginning_.size());
    while (!bytes.empty()) {
        const auto written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failed(errno);
        bytes_ += static_cast<std::uint64_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

proto::result<void> new_file::keep(const std::filesystem::path& as) {
    if (::fsync(descriptor_) != 0) return failed(errno);
    close();
    if (::rename(path_.c_str(), as.c_str()) != 0) return failed(errno);
    is_there_ = false;
    if (!sync_directory(as.parent_path())) return failed(errno);
    return {};
}

proto::result<void> write_small_file(const std::filesystem::path& path, std::string_view text) {
    auto temporary = path;
    temporary += ".new";
    ::unlink(temporary.c_str());  // of an agent that was killed
    new_file file(temporary);
    if (auto done = file.open(); !done) return done;
    if (auto done = file.write(text); !done) return done;
    return file.keep(path);
}

}  // namespace agent::uploads
