// A client by its id, whichever way the hub knows it. On the executor of whoever awaits; SQL on the pool.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "hub/oauth/store.hpp"

namespace hub::oauth {

class client_documents;

class client_finder {
public:
    // What is given outlives the finder.
    client_finder(store& rows, common::async::blocking_pool& pool, client_documents& documents);

    // not_found: with a sentence for the person before the browser.
    boost::asio::awaitable<result<client>> find(std::string client_id);

private:
    boost::asio::awaitable<result<client>> find_document(std::string client_id);

    store& rows_;
    common::async::blocking_pool& pool_;
    client_documents& documents_;
};

// A failure of the pool as one of the database.
tenancy::error busy();

}  // namespace hub::oauth
