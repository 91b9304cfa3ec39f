#include "agent/session/options.hpp"

namespace agent::session {

holder_calls real_holder_calls() { return {hold::spawn, hold::attach, hold::read_orphaned_spool, hold::end_leftovers}; }

}  // namespace agent::session
