// How a command of codez-hub says why it does not go on: one line on stderr.
#pragma once

#include <string>

namespace hub {

// The exit status, to be returned.
int refuse(std::string why);

}  // namespace hub
