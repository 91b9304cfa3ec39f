// The hub's ID tokens (OpenID Connect Core §2) and the key set by which they are checked (RFC 7517). Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "common/crypto/es256_key.hpp"
#include "hub/oauth/records.hpp"

namespace hub::oauth {

class id_token_issuer {
public:
    id_token_issuer(std::string origin, common::crypto::es256_key key);

    nlohmann::json key_set() const;
    // Of the person that `of` is for, for its client; with name and address where the scopes ask for them.
    std::string issue(const token_grant& of, const std::string& nonce, std::int64_t now_ms) const;

private:
    std::string origin_;
    common::crypto::es256_key key_;
    std::string kid_;  // RFC 7638
};

}  // namespace hub::oauth
