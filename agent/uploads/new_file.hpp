// A file that is being received: 0600, hashed as it is written, gone again unless it was kept. Blocking; one thread at a
// time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/crypto/digest.hpp"
#include "proto/error.hpp"

namespace agent::uploads {

class new_file {
public:
    explicit new_file(std::filesystem::path path) : path_(std::move(path)) {}
    // Removes the file if keep() was not called or failed.
    ~new_file();
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;

    // Fails if something is there already.
    proto::result<void> open();
    proto::result<void> write(std::string_view bytes);
    // Durably under this name.
    proto::result<void> keep(const std::filesystem::path& as);

    std::uint64_t bytes() const { return bytes_; }
    const std::string& beginning() const { return beginning_; }
    std::string sha256() { return hash_.finish(); }  // raw; once, after the last write()

private:
    void close();

    std::filesystem::path path_;
    int descriptor_ = -1;
    bool is_there_ = false;
    std::uint64_t bytes_ = 0;
    std::string beginning_;
    common::crypto::sha256_stream hash_;
};

// The whole text durably, under that name only when it is whole.
proto::result<void> write_small_file(const std::filesystem::path& path, std::string_view text);

}  // namespace agent::uploads
