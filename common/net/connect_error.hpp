// Why an outgoing connection did not come about, with a sentence for the person who has to mend it.
#pragma once

#include <string>

namespace common::net {

enum class connect_failure {
    invalid_url,
    dns,      // the name has no address
    refused,  // nothing listens there, or no route
    timeout,
    tls,          // the certificate or the handshake
    http_status,  // an HTTP answer that does not help: `status` says which
    protocol,     // the peer does not speak the protocol, or broke off
    too_large,    // the answer is over the limit
    forbidden,    // a guarded fetch may not go there
};

struct connect_error {
    connect_failure kind = connect_failure::protocol;
    std::string message;
    int status = 0;  // with http_status
};

}  // namespace common::net
