// Where an upload's bytes come from: a link or a request at the local endpoint.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "proto/error.hpp"

namespace agent::uploads {

class byte_source {
public:
    virtual ~byte_source() = default;
    // The next bytes; empty when all have come. An error: there will be no more.
    virtual boost::asio::awaitable<proto::result<std::string>> next() = 0;
};

}  // namespace agent::uploads
