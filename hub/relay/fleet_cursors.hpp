// The cursors of readers of several machines. Up to four positions are in the cursor's own text; of more the database keeps
// them, and the cursor names that entry. Good on every hub, across restarts. Hub's executor, SQL on the pool.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/cursor.hpp"
#include "proto/error.hpp"

namespace hub::relay {

// Where a reader is, and the cursor that said so: "" for one that begins.
struct reader_position {
    proto::cursor at;
    std::string cursor;
};

class fleet_cursors {
public:
    // Both outlive it.
    fleet_cursors(tenancy::store& store, common::async::blocking_pool& pool) : store_(store), pool_(pool) {}

    // The cursor of a position that is kept in the database: "h_…".
    static bool is_kept(std::string_view cursor) { return cursor.starts_with("h_"); }

    // cursor_invalid for what is no cursor, cursor_expired for one that is not kept any more, or never was.
    boost::asio::awaitable<proto::result<reader_position>> read(std::string workspace_id, std::string cursor);
    // The same cursor if nothing has moved. `now` has 1 to cursor_machines_max entries.
    boost::asio::awaitable<proto::result<std::string>> write(std::string workspace_id, proto::cursor now,
                                                             reader_position before);

private:
    tenancy::store& store_;
    common::async::blocking_pool& pool_;
};

}  // namespace hub::relay
