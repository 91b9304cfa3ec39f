// The composition root of codez-hub: the only place that makes its services, in the order of their dependencies.
#pragma once

#include "hub/config.hpp"

namespace hub {

// Serves until SIGTERM or SIGINT (a second one ends it at once); SIGHUP reads the TLS files again. The exit status.
int serve(const serve_config& config);

}  // namespace hub
