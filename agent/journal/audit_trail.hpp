// The machine's own audit: every call with side effects stands in it before it acts (journal::calls writes it in the
// transaction of its own row), every refusal before it is told. One per agent; its I/O thread.
#pragma once

#include <cstdint>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/events/log.hpp"
#include "agent/journal/audit_rows.hpp"
#include "proto/error.hpp"

namespace agent::journal {

// The rule that a call was refused by; empty for any other error.
std::string refusing_rule(const proto::error& e);

// Writes the entry and, now and then, forgets old ones. For the transactions of journal::calls.
std::int64_t note_call(common::db::connection& c, audit_entry entry);

class audit_trail {
public:
    // `log` must outlive this object and what waits in it.
    explicit audit_trail(events::log& log) : log_(log) {}

    // A call that was refused before it was journalled. What cannot be written (a full disk) is not waited for: the
    // refusal holds all the same.
    boost::asio::awaitable<proto::result<void>> refused(audit_entry entry);
    // What became of a call that stands in the audit: the session that it made, the rule that refused it. Empty: nothing.
    boost::asio::awaitable<proto::result<void>> settle(std::int64_t id, std::string session_id, std::string rule);

private:
    events::log& log_;
};

}  // namespace agent::journal
