// What a dead holder left: the lines of its spool, then hold_errc::gone. Lets the ordinary reading finish a session whose
// holder was killed while no agent was there. No I/O.
#pragma once

#include <memory>
#include <vector>

#include "agent/hold/client.hpp"

namespace agent::session {

std::unique_ptr<hold::client> make_orphan(std::vector<hold::line> lines);

}  // namespace agent::session
