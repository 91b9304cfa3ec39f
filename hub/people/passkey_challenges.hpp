// Challenges for passkeys: 32 random bytes, good once, for two minutes, and only for the browser that asked. In memory and
// bounded. Time is given. Not thread-safe: one executor.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace hub::people {

class passkey_challenges {
public:
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::seconds good_for{120};
    static constexpr std::size_t kept_max = 10'000;

    // As base64url. `holder` is the form token of the browser's session or visit.
    std::string issue(std::string_view holder, time_point now);
    // Was it issued to this holder, and not taken before?
    bool take(std::string_view challenge, std::string_view holder, time_point now);

private:
    struct state {
        std::string holder;
        time_point expires;
    };
    std::map<std::string, state, std::less<>> issued_;
};

}  // namespace hub::people
