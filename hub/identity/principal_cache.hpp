// What verify() found out in the last second, by the credential's SHA-256. Bounded; good and bad answers apart, so that
// made-up credentials cannot push the real ones out. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/principal.hpp"

namespace hub::identity {

// One answer: who it is, or (nullopt) nobody.
struct verified {
    std::optional<proto::principal> who;
    std::optional<std::int64_t> expires_at;  // of the credential, milliseconds since 1970
};

class principal_cache {
public:
    using time_point = std::chrono::steady_clock::time_point;

    principal_cache(std::size_t entries_max, std::chrono::milliseconds ttl);

    std::optional<verified> find(const std::string& hash, time_point now) const;

    // Taken before a look-up: put() drops what was looked up before an invalidation.
    std::uint64_t generation() const;
    void put(const std::string& hash, verified answer, std::uint64_t generation, time_point now);

    void invalidate(std::string_view client_id);
    void invalidate_all();

private:
    // Entries live equally long, so the oldest is the first to expire.
    class table {
    public:
        std::optional<verified> find(const std::string& hash, time_point now) const;
        void put(const std::string& hash, verified answer, time_point until, time_point now, std::size_t entries_max);
        void erase_client(std::string_view client_id);
        void clear();

    private:
        struct entry {
            verified answer;
            time_point until;
        };
        std::unordered_map<std::string, entry> entries_;
        std::deque<std::pair<std::string, time_point>> oldest_first_;  // may name entries that are gone or renewed
    };

    table& table_for(const verified& answer) { return answer.who ? good_ : bad_; }

    const std::size_t entries_max_;
    const std::chrono::milliseconds ttl_;
    mutable std::mutex mutex_;
    std::uint64_t generation_ = 0;
    table good_;
    table bad_;
};

}  // namespace hub::identity
