#include "hub/people/passkey_challenges.hpp"

#include <algorithm>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

namespace hub::people {

std::string passkey_challenges::issue(std::string_view holder, time_point now) {
    if (issued_.size() >= kept_max) std::erase_if(issued_, [&](const auto& one) { return one.second.expires <= now; });
    if (issued_.size() >= kept_max)
        issued_.erase(std::ranges::min_element(issued_, {}, [](const auto& one) { return one.second.expires; }));
    const std::string challenge = common::crypto::base64url_encode(common::crypto::random_bytes(32));
    issued_.emplace(challenge, state{std::string(holder), now + good_for});
    return challenge;
}

bool passkey_challenges::take(std::string_view challenge, std::string_view holder, time_point now) {
    const auto found = issued_.find(challenge);
    if (found == issued_.end()) return false;
    const bool good = found->second.expires > now && common::crypto::constant_time_equal(found->second.holder, holder);
    issued_.erase(found);
    return good;
}

}  // namespace hub::people
