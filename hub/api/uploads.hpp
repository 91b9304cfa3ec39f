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

#include "common/api/upload_request.hpp"
#include "common/net/http.hpp"
#include "hub/links/remote_call.hpp"
#include "hub/relay/call_audit.hpp"
#include "hub/relay/machine_finder.hpp"
#include "proto/principal.hpp"

namespace hub::api {

class uploads {
public:
    // Both outlive the object, and the object every exchange given to it.
    uploads(relay::machine_finder& machines, relay::call_audit& audit) : machines_(machines), audit_(audit) {}

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange, const proto::principal& who);

private:
    class place;

    // Status 0: the client has gone. Tells the machine that was chosen, as soon as one is.
    boost::asio::awaitable<proto::result<common::net::http_response>> pass_on(common::net::http_exchange& exchange,
                                                                              const proto::principal& who,
                                                                              const common::api::upload_request& asked,
                                                                              std::string request_id,
                                                                              relay::audited_call& where);

    relay::machine_finder& machines_;
    relay::call_audit& audit_;
    std::size_t in_flight_ = 0;
    std::map<std::string, std::size_t> in_flight_of_;  // by principal::key()
};

}  // namespace hub::api
