// A git work tree of its own for a session (`worktree` of create_session): planned from the arguments, made before claude
// is started, removed if that fails. Work in git runs on the git pool.
#pragma once

#include <filesystem>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/git/worktree.hpp"
#include "agent/tools/tool.hpp"

namespace agent::tools {

struct planned_worktree {
    git::place of;
    git::new_worktree what;
    std::filesystem::path cwd;  // the session's: where it would be in the repository itself
};

// Whether and where it may be; nothing is made. `directory` was checked by the policy, `session_id` gives a name if the
// caller has none.
boost::asio::awaitable<proto::result<planned_worktree>> plan_worktree(const services& s, const call_context& c,
                                                                      std::filesystem::path directory,
                                                                      std::string session_id);

// One that an earlier self of the call made is taken as it is.
boost::asio::awaitable<proto::result<void>> make_worktree(const services& s, const call_context& c,
                                                          planned_worktree planned);

// After make_worktree(), if no session came of it.
boost::asio::awaitable<void> unmake_worktree(const services& s, planned_worktree planned);

// The work tree that the policy's directory has for this session: "removed", "kept" (it is not clean, or another session
// works in it), or "" if it has none.
boost::asio::awaitable<proto::result<std::string>> remove_worktree(const services& s, std::string session_id,
                                                                   std::string cwd);

}  // namespace agent::tools
