// Writes down who called what: every call that changes something and every call that was refused. Ids, a hash and codes
// only, never what a call carried. Entries are queued and stored in groups, so that no call waits for the database; while
// it is away the newest entries are kept, up to a bound, and how many were lost is an entry itself. One for the hub;
// hub's executor, SQL on the pool.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/log/logger.hpp"
#include "common/mcp/backend.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/catalogue.hpp"
#include "proto/error.hpp"

namespace hub::relay {

struct audited_call {
    std::string workspace_id{};  // the machine's; empty: the caller's
    std::string machine_id{};    // empty: none was chosen
    std::string session_id{};    // as the caller named it
};

class call_audit {
public:
    call_audit(boost::asio::any_io_executor executor, tenancy::store& store, common::async::blocking_pool& pool,
               common::log::logger& log);
    ~call_audit();
    call_audit(const call_audit&) = delete;
    call_audit& operator=(const call_audit&) = delete;

    void record(const common::mcp::tool_call& call, const proto::tool& tool, const audited_call& where,
                const proto::result<void>& outcome);
    // A file that was sent to a machine, or was not; the machine may be empty.
    void record_upload(const proto::principal& who, const audited_call& where, const proto::result<void>& outcome);

    // Removes entries that are older, now and every hour, until the executor ends.
    boost::asio::awaitable<void> keep_pruned(std::chrono::milliseconds kept);

    // True: everything is stored. False: the deadline passed first.
    boost::asio::awaitable<bool> flush(std::chrono::steady_clock::time_point deadline);

private:
    struct queue;
    void push(const proto::principal& who, tenancy::audit_entry entry, const proto::result<void>& outcome);
    static boost::asio::awaitable<void> write(std::shared_ptr<queue> q);

    std::shared_ptr<queue> queue_;  // shared with the coroutine that writes
};

}  // namespace hub::relay
