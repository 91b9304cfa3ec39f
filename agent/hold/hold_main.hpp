// The program `codez hold`: reads a spawn spec (JSON) from stdin to its end, starts claude, reports on stdout in one
// JSON document and closes it, then holds the session until it is over. Returns the exit code. Needs a process of its
// own, in a session of its own (setsid by who starts it).
#pragma once

namespace agent::hold {

int hold_main();

}  // namespace agent::hold
