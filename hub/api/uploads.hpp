// PUT /api/v1/uploads: passes a file on to a machine, as fast as the machine takes it; the hub holds no more of it than
// the link's window. Hub's executor.
#pragma once

#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "hub/links/remote_call.hpp"
#include "hub/relay/machine_finder.hpp"
#include "proto/principal.hpp"

namespace hub::api {

class uploads {
public:
    // The finder outlives the object, and the object every exchange given to it.
    explicit uploads(relay::machine_finder& machines) : machines_(machines) {}

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange, const proto::principal& who);

private:
    using answer = common::net::http_response;  // status 0: the client has gone
    class place;

    boost::asio::awaitable<answer> pass_on(common::net::http_exchange& exchange, const proto::principal& who,
                                           std::string request_id);

    relay::machine_finder& machines_;
    std::size_t in_flight_ = 0;
    std::map<std::string, std::size_t> in_flight_of_;  // by principal::key()
};

}  // namespace hub::api
