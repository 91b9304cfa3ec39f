// A checker whose refusals stand in the log: the caller is not told what was wrong.
#pragma once

#include <memory>

#include "common/auth/token_checker.hpp"
#include "common/log/logger.hpp"

namespace common::auth {

// A refused token at level debug; that the server cannot be asked as an error, every ten seconds at most. The log outlives
// the checker.
std::unique_ptr<token_checker> make_logged(std::unique_ptr<token_checker> checker, log::logger& log);

}  // namespace common::auth
