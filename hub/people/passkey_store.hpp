// People's passkeys: public keys, and how often each has signed. All SQL of them is behind this header. Blocking, as
// people::store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/people/store.hpp"

namespace hub::people {

constexpr std::size_t passkeys_per_user_max = 20;

struct passkey {
    std::string id;  // the credential's, raw bytes
    std::string user_id;
    std::string public_key;  // DER
    std::uint32_t sign_count = 0;
    std::string name;  // what the person calls it
    std::int64_t created_at = 0;
    std::optional<std::int64_t> last_used_at;
};

class passkey_store {
public:
    explicit passkey_store(common::db::database& db, tenancy::clock_function now = tenancy::system_time_ms)
        : db_(db), now_(std::move(now)) {}

    // Its times are the store's.
    tenancy::result<void> add(const passkey& key);
    // invalid: it is the only way in that is left, where `issuers` are those with whose accounts people may sign in.
    tenancy::result<void> remove(std::string_view user_id, std::string_view id,
                                 const std::vector<std::string>& issuers);
    tenancy::result<std::vector<passkey>> list(std::string_view user_id);
    tenancy::result<passkey> find(std::string_view id);

    // The caller has verified the signature. A count that is not higher than the last one, where either counts at all, means
    // that the key was copied (WebAuthn §6.1.1): key_conflict, and audited. `replaced`: as of people::store::sign_in.
    tenancy::result<new_session> sign_in(std::string_view id, std::uint32_t sign_count, std::string_view replaced);

private:
    common::db::database& db_;
    tenancy::clock_function now_;
};

}  // namespace hub::people
