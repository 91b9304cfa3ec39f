// Files that clients have uploaded and not used yet: private to the agent's user, each usable by who uploaded it only,
// gone after a day. Bounded in number and bytes. One for the agent; its I/O thread, files on the pool.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/uploads/byte_source.hpp"
#include "common/async/blocking_pool.hpp"
#include "proto/error.hpp"
#include "proto/limits.hpp"

namespace agent::uploads {

struct upload {
    std::string id;     // "up_…"
    std::string owner;  // principal::key() of who sent it
    std::string name;   // safe_name()
    std::uint64_t bytes = 0;
    std::string sha256;  // hex
    std::string media_type;
    std::int64_t expires_at_ms = 0;
};

// What the client is told.
std::string to_json(const upload& one);

struct spool_options {
    std::function<std::int64_t()> now_ms;
    std::size_t kept_max = proto::limits::uploads_kept_max;
    std::uint64_t kept_bytes_max = proto::limits::uploads_kept_bytes_max;
    std::size_t receiving_max = proto::limits::uploads_receiving_max;
};

struct incoming {
    std::string owner;
    std::string name;
    std::uint64_t bytes = 0;
};

class spool {
public:
    // The pool outlives the spool, and the spool every receive() under way.
    spool(common::async::blocking_pool& pool, std::filesystem::path directory, spool_options options);

    // Makes the directory; finds what an earlier agent kept and removes what it left half. Blocking, before all else.
    proto::result<void> open();

    // All of the file or nothing of it.
    boost::asio::awaitable<proto::result<upload>> receive(incoming what, byte_source& from);

    // In the order of the ids; not_found names the first that is not there, not theirs or too old: no difference.
    proto::result<std::vector<upload>> find(std::string_view owner, const std::vector<std::string>& ids);
    std::filesystem::path file_of(const upload& one) const { return directory_ / one.id; }

private:
    class place;

    proto::result<void> make_room_for(std::uint64_t bytes);
    void drop_expired();
    boost::asio::awaitable<proto::result<void>> on_pool(std::function<proto::result<void>()> job);

    common::async::blocking_pool& pool_;
    std::filesystem::path directory_;
    spool_options options_;
    std::map<std::string, upload, std::less<>> kept_;
    std::uint64_t bytes_ = 0;  // kept and promised
    std::size_t receiving_ = 0;
};

}  // namespace agent::uploads
