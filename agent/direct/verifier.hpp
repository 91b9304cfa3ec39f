// Who calls an agent that is reached directly: the holder of one of its API keys, or one of the people named at its start,
// with a token of the authorization server. All on one executor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/direct/api_keys.hpp"
#include "common/auth/resource_server.hpp"
#include "common/auth/token_checker.hpp"
#include "proto/principal.hpp"

namespace agent::direct {

struct token_options {
    std::unique_ptr<common::auth::token_checker> checker;  // null: no tokens are taken
    std::vector<std::string> subjects;                     // of whom
    bool may_grow = false;                                 // whoever has too few scopes can get a token with more
};

class verifier {
public:
    using clock_function = std::function<std::int64_t()>;  // milliseconds since 1970

    // The keys outlive it.
    verifier(live_keys& keys, token_options tokens, clock_function now);

    boost::asio::awaitable<common::auth::verify_result> verify(std::string credential);

    // Whoever was let in as this: is that over? The key was revoked, or the last token has expired.
    bool has_ended(const proto::principal& who);

private:
    common::auth::verify_result check_key(std::string_view secret);
    boost::asio::awaitable<common::auth::verify_result> check_token(std::string token);
    void note_token(const std::string& whose, std::int64_t expires_at);

    live_keys& keys_;
    token_options tokens_;
    clock_function now_;
    std::map<std::string, std::int64_t> good_until_;  // of tokens, by proto::principal::key(); bounded
};

}  // namespace agent::direct
