// Finds the documents behind client ids that are URLs: cached as long as their server says, joined when several ask at
// once, throttled, because strangers choose what is fetched. All on one executor.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/single_flight.hpp"
#include "common/net/connect_error.hpp"
#include "common/net/http.hpp"
#include "hub/oauth/client_document.hpp"

namespace common::net {
struct fetch_guard;
}

namespace hub::oauth {

enum class document_errc {
    invalid_id,        // the URL breaks the rules: nothing was fetched
    invalid_document,  // something is there, but no document of that client
    unavailable,       // the server cannot be reached, or may not be
    throttled,         // too many fetches in the last minute: try again in one
};

struct document_error {
    document_errc code = document_errc::unavailable;
    std::string message;  // for a person, without HTML
};

using document_result = std::expected<client_document, document_error>;
using document_fetch =
    std::function<boost::asio::awaitable<std::expected<common::net::http_response, common::net::connect_error>>(
        std::string url)>;

// 3 s, 5 KiB, public addresses only.
document_fetch fetch_documents_by(std::shared_ptr<const common::net::fetch_guard> guard);

struct client_documents_options {
    std::size_t entries_max = 1000;
    std::size_t fetches_per_minute = 20;
    std::size_t fetches_per_host_and_minute = 5;
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
    std::function<std::chrono::system_clock::time_point()> wall_now = std::chrono::system_clock::now;
};

class client_documents {
public:
    client_documents(boost::asio::any_io_executor executor, document_fetch fetch,
                     client_documents_options options = {});

    // The client's document. If its server fails, one that went stale within the last day will do.
    boost::asio::awaitable<document_result> find(std::string client_id);

private:
    using time_point = std::chrono::steady_clock::time_point;
    struct entry {
        client_document document;
        time_point fresh_until;
        std::uint64_t used = 0;
    };

    boost::asio::awaitable<document_result> fetch(std::string client_id);
    document_result judge(const std::string& client_id,
                          std::expected<common::net::http_response, common::net::connect_error> got);
    bool may_fetch(const std::string& host);
    std::optional<client_document> cached(const std::string& client_id, std::chrono::seconds stale_for);
    void keep(const client_document& document, std::chrono::seconds fresh_for);

    document_fetch fetch_;
    client_documents_options options_;
    std::map<std::string, entry> entries_;
    common::async::single_flight<document_result> fetches_;
    std::deque<std::pair<time_point, std::string>> fetched_;  // of the last minute: when, which host
    std::uint64_t uses_ = 0;
};

}  // namespace hub::oauth
