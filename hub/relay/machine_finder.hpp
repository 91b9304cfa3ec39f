// Which machine a call goes to, and its link. Answers only for machines of the caller's workspaces that its credential
// reaches: every other is "not found", exactly as one that does not exist. Hub's executor, SQL on the pool.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "hub/directory/sessions.hpp"
#include "hub/links/registry.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/error.hpp"
#include "proto/principal.hpp"

namespace hub::relay {

class machine_finder {
public:
    using found_link = boost::asio::awaitable<proto::result<std::shared_ptr<links::link>>>;

    machine_finder(tenancy::store& store, common::async::blocking_pool& pool, links::registry& links,
                   directory::sessions& sessions);

    // All machines of the caller that are not revoked, in the order of their names.
    boost::asio::awaitable<proto::result<std::vector<tenancy::machine>>> machines(proto::principal who);
    boost::asio::awaitable<proto::result<tenancy::machine>> machine(proto::principal who, std::string id_or_name);
    // Of those, the links that are up.
    std::vector<std::shared_ptr<links::link>> links_of(const proto::principal& who) const;

    // By id or name; a machine whose link was confirmed by the database within the last second is not asked for again.
    // With an empty name the only machine there is, else machine_ambiguous with the choices, as for a name that machines of two workspaces have. Waits a
    // moment for a machine that is linking again, then machine_offline.
    found_link by_name(proto::principal who, std::string id_or_name);
    // The machine that has the session; `machine` may narrow it. The directory first; for a session that it does not
    // know, the linked machines are asked, on behalf of the request. not_found only if no linked machine has it.
    found_link by_session(proto::principal who, std::string session_id, std::string machine, std::string request_id);

private:
    found_link link_of(tenancy::machine machine);
    void end_revoked(const tenancy::machine& machine);
    // Asks every linked machine of the workspace for the session, all at once.
    struct ownership {
        std::vector<std::string> having;  // ids of machines
        std::vector<std::string> lacking;
    };
    boost::asio::awaitable<ownership> who_has(proto::principal who, std::string session_id, std::string request_id);

    tenancy::store& store_;
    common::async::blocking_pool& pool_;
    links::registry& links_;
    directory::sessions& sessions_;
};

// A Unix time in milliseconds as people read it, UTC.
std::string to_iso_time(std::int64_t unix_ms);

}  // namespace hub::relay
